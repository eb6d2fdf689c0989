"""Event loop and client transports: UDP, TCP and DNS over TLS."""
