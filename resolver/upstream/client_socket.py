"""Sockets to upstream servers."""

import socket

from resolver.system.interfaces import family_of
from resolver.transport.tcp_options import limit_segments
from resolver.upstream.source_address import bind_source_address


def open_client_socket(address: str, source_address: str, kind: socket.SocketKind) -> socket.socket:
    """A socket that does not block, to be connected to an address; OSError if it cannot be.

    ``source_address`` is the address of this host that it sends from; empty for any.
    """
    made = socket.socket(family_of(address), kind | socket.SOCK_NONBLOCK)
    try:
        if source_address:
            bind_source_address(made, source_address)
        if kind == socket.SOCK_STREAM:
            limit_segments(made)
    except OSError:
        made.close()
        raise
    return made
