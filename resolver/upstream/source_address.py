"""The address of this host that queries to upstream servers leave from.

What must stay true:
- A query never leaves from another address than the configured one: a firewall or the upstream may
  know this host by it. Where this host lacks the address, the server counts as unreachable.
"""

import socket
from collections.abc import Iterator, Sequence
from typing import Final

from resolver.policy.compiled import CompiledConfig
from resolver.system.interfaces import family_of

_IP_BIND_ADDRESS_NO_PORT: Final = 24  # Linux's number; Python 3.11 does not have it


def source_address_for(server: str, sources: Sequence[str]) -> str:
    """The address of the family of a server's; empty where none is configured."""
    return next((each for each in sources if (":" in each) == (":" in server)), "")


def bind_source_address(asking: socket.SocketType, source: str) -> None:
    """Make a socket send from an address; OSError if this host lacks the address.

    The socket gets its port when it is connected, as without this. With a port and no peer it
    would take packets from everybody.
    """
    asking.setsockopt(socket.IPPROTO_IP, _IP_BIND_ADDRESS_NO_PORT, 1)
    asking.bind((source, 0))


def missing_source_addresses(compiled: CompiledConfig) -> Iterator[tuple[str, str]]:
    """The upstream groups and their addresses that this host lacks, by a trial of each."""
    for group in compiled.groups:
        for source in group.source:
            with socket.socket(family_of(source), socket.SOCK_DGRAM) as trial:
                try:
                    bind_source_address(trial, source)
                except OSError:
                    yield group.name, source
