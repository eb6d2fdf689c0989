"""Snapshots and fetched lists in the state directory."""
