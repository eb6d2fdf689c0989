"""Answer queries: local data, policy, cache, replies. Pure."""
