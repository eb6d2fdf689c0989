"""Counts and minutes that outlive the server: what was blocked when, and which policy held."""
