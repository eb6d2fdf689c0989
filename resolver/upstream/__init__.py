"""The edge to upstreams: the sockets that drive what forwarding decides."""
