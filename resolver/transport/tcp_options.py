"""The options of TCP sockets, to clients and to servers, and what the kernel knows of one.

A path with a tunnel (VPN, PPPoE, GRE) may drop packets over some 1,400 octets, and the ICMP
messages that would say so. So no segment is larger than what every path of IPv6 must pass, in
either direction. A listening socket gives the option to the connections that it accepts.
"""

import socket
import struct
from typing import Final

SEGMENT: Final = 1220
"""Octets of data in a segment, at most: IPv6's least MTU of 1280 without the headers of IPv6 and
TCP (RFC 8200 section 5, RFC 9293 section 3.7.1)."""
_UNACKNOWLEDGED: Final = struct.Struct("=24xI")
"""The place of ``tcpi_unacked`` in Linux's ``struct tcp_info``."""


def limit_segments(tcp: socket.SocketType) -> None:
    """Limit the segments of a socket, before it is connected or listens."""
    tcp.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, SEGMENT)


def has_unacknowledged(tcp: socket.SocketType) -> bool:
    """Whether the peer has not acknowledged some of the segments that were sent to it."""
    info = tcp.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _UNACKNOWLEDGED.size)
    (segments,) = _UNACKNOWLEDGED.unpack(info)
    return bool(segments)
