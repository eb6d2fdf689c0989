"""Explain, expectations, diff, replay and report."""
