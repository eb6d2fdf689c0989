"""One query in order: local data, policy, cache, the exchange with upstreams, reply. Pure."""
