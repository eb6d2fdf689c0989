"""Fetching lists that others keep, and keeping the last good one of each. An edge."""
