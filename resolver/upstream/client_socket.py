"""Sockets to upstream servers, and the address of this host that queries leave from.

What must stay true:
- A query never leaves from another address than the configured one: a firewall or the upstream may
  know this host by it. Where this host lacks the address, the server counts as unreachable.
"""

import socket
from collections.abc import Iterator, Sequence
from typing import Final

from resolver.policy.compiled import CompiledConfig
from resolver.system.interfaces import family_of
from resolver.transport.tcp_options import limit_segments

_IP_BIND_ADDRESS_NO_PORT: Final = 24  # Linux's number; Python 3.11 does not have it


def source_address_for(server: str, sources: Sequence[str]) -> str:
    """The address of the family of a server's; empty where none is configured."""
    return next((source for source in sources if (":" in source) == (":" in server)), "")


def bind_source_address(asking: socket.SocketType, source: str) -> None:
    """Make a socket send from an address; OSError if this host lacks the address.

    The socket gets its port when it is connected, as without this. With a port and no peer it
    would take packets from everybody.
    """
    asking.setsockopt(socket.IPPROTO_IP, _IP_BIND_ADDRESS_NO_PORT, 1)
    asking.bind((source, 0))


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


def missing_source_addresses(compiled: CompiledConfig) -> Iterator[tuple[str, str]]:
    """The upstream groups and their addresses that this host lacks, by a trial of each."""
    for group in compiled.groups:
        for source in group.source:
            with socket.socket(family_of(source), socket.SOCK_DGRAM) as trial:
                try:
                    bind_source_address(trial, source)
                except OSError:
                    yield group.name, source
