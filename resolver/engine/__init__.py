"""Answer queries: local data, policy, cache, exchanges with upstreams, replies. Pure."""
