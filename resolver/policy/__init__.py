"""A compiled policy, and what it does."""
