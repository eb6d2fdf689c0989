"""The network interfaces and the addresses of this host."""

import errno
import socket
import sys
from ipaddress import ip_address
from typing import Any


def interface_name(scope: bytes) -> str:
    """The name that the interface with this index has now; empty where there is none.

    ``scope`` is the index as a sockaddr_in6 has it.
    """
    try:
        return socket.if_indextoname(int.from_bytes(scope, sys.byteorder))
    except OSError:
        return ""


def origin_of(address: str) -> bytes:
    """The octets of an address, and after those of a link-local one the index of its interface.

    Raises:
        ValueError: it is no address, or is link-local without an interface.
        OSError: this host has no such interface.
    """
    parsed = ip_address(address)
    if parsed.version == 4 or not parsed.is_link_local:
        return parsed.packed
    if parsed.scope_id is None:
        raise ValueError("a link-local address has its interface, as fe80::1%eth0")
    return parsed.packed + socket.if_nametoindex(parsed.scope_id).to_bytes(4, sys.byteorder)


def family_of(address: str) -> socket.AddressFamily:
    """The family of an address."""
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def peer_text(peer: tuple[Any, ...]) -> str:
    """The address of a peer as text, a link-local one with its interface: fe80::5%eth0."""
    scope = peer[3].to_bytes(4, sys.byteorder) if len(peer) == 4 and peer[3] else b""
    return f"{peer[0]}%{interface_name(scope)}" if scope else str(peer[0])


def is_missing(address: str) -> bool:
    """Whether an address is not this host's, or not yet, since it is tentative (RFC 4862)."""
    try:
        with socket.socket(family_of(address), socket.SOCK_DGRAM) as trial:
            trial.bind((address, 0))
    except OSError as error:
        return error.errno == errno.EADDRNOTAVAIL
    return False
