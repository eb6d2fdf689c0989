"""Asking others, the decisions: which server, retry, TCP, failover, matching. Pure."""
