"""The event loop, and messages over UDP, TCP and TLS, of clients and of upstreams."""
