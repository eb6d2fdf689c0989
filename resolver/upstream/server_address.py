"""The address of an upstream server, as the workers and a socket take it.

A link-local address comes with its interface, as in ``fe80::53%eth0``. IPv6 routers announce such
name servers (RFC 8106), and resolv.conf then has them.
"""

import socket
from typing import TypedDict


class ServerAddress(TypedDict):
    """An upstream server: its name in the config and in metrics, its address and its port.

    ``ad_trusted``: whether its AD is passed on. ``source_address``: the address of this host that
    queries to it leave from; empty for any. ``wrong``: whether its last answer to the supervisor's
    probe was wrong. ``tls_name``: the name that its certificate is verified for, empty for plain
    DNS; ``authorities``: the certificates, in PEM, that are trusted for it besides the system's.
    """

    name: str
    address: str
    port: int
    ad_trusted: bool
    source_address: str
    wrong: bool
    tls_name: str
    authorities: str


def arguments_of(server: ServerAddress) -> tuple[str, int, str, str, str, str]:
    """What ``exchange.servers.Server`` is made of; another value is another server."""
    return (
        *(server["address"], server["port"], server["name"], server["source_address"]),
        *(server["tls_name"], server["authorities"]),
    )


def socket_address(address: str, port: int) -> tuple[str, int] | tuple[str, int, int, int]:
    """What a socket is connected to; OSError without the interface of a link-local address.

    The interface is looked up each time: it may have been made again, with another index.
    """
    host, _, interface = address.partition("%")
    return (host, port, 0, socket.if_nametoindex(interface)) if interface else (address, port)
