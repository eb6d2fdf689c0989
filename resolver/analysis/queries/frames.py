"""From a captured packet to the DNS messages between a client and a name server in it.

Links: Ethernet (with VLAN tags), Linux's "any" in both versions, raw IP, BSD's loopback.
Above them IPv4 and IPv6, UDP, and TCP where a segment holds whole messages.

What must stay true: nothing that a packet contains raises.
"""

from collections.abc import Set
from typing import NamedTuple

_UDP, _TCP = 17, 6
_TAGS = frozenset({0x8100, 0x88A8, 0x9100})
_IP = frozenset({0x0800, 0x86DD})
# By link type: the offsets of the EtherType and of its payload.
_TYPED = {1: (12, 14), 113: (14, 16), 276: (0, 20)}
# By link type: the offset of IP.
_BARE = {101: 0, 228: 0, 229: 0, 12: 0, 14: 0, 0: 4, 108: 4}
LINKS = "Ethernet, Linux cooked (any), raw IP, loopback"

_FRAGMENT = 44
_OPTIONS = frozenset({0, 43, 60})
"""IPv6 extension headers to skip."""


class DnsMessages(NamedTuple):
    """The messages of a client to a server, or of a server to a client."""

    client: bytes
    """The address of the client, 4 or 16 octets; empty where the server sends."""
    messages: tuple[bytes, ...]


class SkippedPacket(NamedTuple):
    """A packet to a name server that cannot be read."""

    reason: str


def dns_messages(link: int, frame: bytes, ports: Set[int]) -> DnsMessages | SkippedPacket | None:
    """The messages to or from these ports; None where there are none."""
    at = _ip_begins(link, frame)
    if isinstance(at, SkippedPacket) or at is None:
        return at
    version = frame[at] >> 4 if at < len(frame) else 0
    if version == 4 and len(frame) >= at + 20:
        return _of_ipv4(frame, at, ports)
    if version == 6 and len(frame) >= at + 40:
        return _of_ipv6(frame, at, ports)
    return None


def _ip_begins(link: int, frame: bytes) -> int | SkippedPacket | None:
    if link in _BARE:
        return _BARE[link]
    if link not in _TYPED:
        return SkippedPacket(f"link type {link}; read are {LINKS}")
    type_at, at = _TYPED[link]
    kind = int.from_bytes(frame[type_at : type_at + 2], "big")
    while kind in _TAGS:
        kind = int.from_bytes(frame[at + 2 : at + 4], "big")
        at += 4
    return at if kind in _IP else None


def _of_ipv4(frame: bytes, at: int, ports: Set[int]) -> DnsMessages | SkippedPacket | None:
    begins = at + (frame[at] & 15) * 4
    length = frame[at + 2] << 8 | frame[at + 3]  # 0 where the network card fills it in
    if (frame[at + 6] << 8 | frame[at + 7]) & 0x1FFF:
        return None  # a later fragment; the first one is read by itself
    ends = at + length if length else len(frame)
    return _transport(frame, begins, ends, frame[at + 9], frame[at + 12 : at + 16], ports)


def _of_ipv6(frame: bytes, at: int, ports: Set[int]) -> DnsMessages | SkippedPacket | None:
    length = frame[at + 4] << 8 | frame[at + 5]
    ends = at + 40 + length if length else len(frame)
    kind, begins = frame[at + 6], at + 40
    while (kind in _OPTIONS or kind == _FRAGMENT) and begins + 8 <= len(frame):
        if kind == _FRAGMENT and (frame[begins + 2] << 8 | frame[begins + 3]) & 0xFFF8:
            return None
        size = 8 if kind == _FRAGMENT else 8 + frame[begins + 1] * 8
        kind, begins = frame[begins], begins + size
    return _transport(frame, begins, ends, kind, frame[at + 8 : at + 24], ports)


def _transport(
    frame: bytes, at: int, ends: int, kind: int, client: bytes, ports: Set[int]
) -> DnsMessages | SkippedPacket | None:
    if kind not in (_UDP, _TCP) or at + 4 > len(frame):
        return None
    read = _of_tcp if kind == _TCP else _of_udp
    if (frame[at + 2] << 8 | frame[at + 3]) in ports:
        return read(frame, at, ends, client)
    if (frame[at] << 8 | frame[at + 1]) in ports:
        found = read(frame, at, ends, b"")
        return found if isinstance(found, DnsMessages) else None
    return None


def _of_udp(frame: bytes, at: int, ends: int, client: bytes) -> DnsMessages | SkippedPacket:
    if at + 8 > len(frame):
        return _CUT
    payload = frame[at + 8 : ends]
    length = (frame[at + 4] << 8 | frame[at + 5]) - 8
    return _CUT if len(payload) < length else DnsMessages(client, (payload[: max(length, 0)],))


_CUT = SkippedPacket("a packet that is not whole")
_PART = SkippedPacket("a TCP segment that does not hold whole messages")


def _of_tcp(frame: bytes, at: int, ends: int, client: bytes) -> DnsMessages | SkippedPacket | None:
    if at + 20 > len(frame):
        return _CUT
    payload = frame[at + (frame[at + 12] >> 4) * 4 : ends]
    messages = []
    place = 0
    while place < len(payload):
        begins = place + 2
        place = begins + int.from_bytes(payload[place:begins], "big")
        if place > len(payload):
            return _PART
        messages.append(payload[begins:place])
    return DnsMessages(client, tuple(messages)) if messages else None
