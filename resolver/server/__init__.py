"""The event loop and the client transports: UDP and TCP. They move bytes and decide nothing."""
