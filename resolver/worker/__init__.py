"""The process that answers queries."""
