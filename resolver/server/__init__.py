"""The edge to clients: UDP and TCP sockets. Moves bytes and decides nothing about DNS."""
