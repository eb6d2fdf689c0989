"""Snapshots and fetched lists, and how they are stored in the state directory."""
