"""Packets of capture files: pcap (as tcpdump writes it) and pcapng (as Wireshark does).

Layouts: draft-ietf-opsawg-pcap and draft-ietf-opsawg-pcapng, in either byte order. Only packets
and their link types are read; times, names and statistics are ignored.

What must stay true: nothing that a file contains raises. Where a file is broken, that is
noted, and everything before it counts.
"""

import struct
from collections.abc import Iterator
from typing import NamedTuple

from resolver.analysis.queries.query import FileContent, QueryCounts

_PCAP = {
    b"\xa1\xb2\xc3\xd4": ">",
    b"\xd4\xc3\xb2\xa1": "<",
    b"\xa1\xb2\x3c\x4d": ">",  # with nanoseconds
    b"\x4d\x3c\xb2\xa1": "<",
}
PCAPNG = b"\x0a\x0d\x0d\x0a"
_ORDERS = {b"\x1a\x2b\x3c\x4d": ">", b"\x4d\x3c\x2b\x1a": "<"}
_SECTION, _INTERFACE, _OLD_PACKET, _SIMPLE_PACKET, _PACKET = 0x0A0D0D0A, 1, 2, 3, 6
_MAX_PACKET = 1 << 20
"""Octets of a packet; none is longer on any link, so a greater length is a broken file."""
_BREAKS_OFF = "the file breaks off"
_BROKEN = "the file is broken from here on"


class Packet(NamedTuple):
    """One packet as it was on the link."""

    after: int
    """Where the next packet begins in the file."""
    link: int
    """The link type (the registry of LINKTYPE_ values)."""
    octets: bytes
    """As far as the capture has kept them."""


def is_pcap(content: FileContent) -> bool:
    """Whether a file begins as pcap."""
    return content[:4] in _PCAP


def is_pcapng(content: FileContent) -> bool:
    """Whether a file begins as pcapng."""
    return content[:4] == PCAPNG


def packets(content: FileContent, counts: QueryCounts) -> Iterator[Packet]:
    """Every packet of a capture in either format."""
    return _of_pcapng(content, counts) if is_pcapng(content) else _of_pcap(content, counts)


def _of_pcap(content: FileContent, counts: QueryCounts) -> Iterator[Packet]:
    if len(content) < 24:
        counts.skip(_BREAKS_OFF, "its beginning")
        return
    order = _PCAP[content[:4]]
    record = struct.Struct(order + "8xI4x")
    link = struct.unpack(order + "I", content[20:24])[0] & 0xFFFF
    at, size, number = 24, len(content), 0
    while at < size:
        number += 1
        if at + 16 > size:
            counts.skip(_BREAKS_OFF, f"packet {number}")
            return
        (kept,) = record.unpack(content[at : at + 16])
        at += 16
        if kept > _MAX_PACKET:
            counts.skip(_BROKEN, f"packet {number}")
            return
        if at + kept > size:
            counts.skip(_BREAKS_OFF, f"packet {number}")
            return
        yield Packet(at + kept, link, content[at : at + kept])
        at += kept


class _Blocks:
    """The blocks of a pcapng file, and the byte order and links of the current section."""

    def __init__(self) -> None:
        self.order = "<"
        self.links: list[tuple[int, int]] = []
        """Of each interface of the section: link type, and octets captured of a packet."""

    def section(self, body: bytes) -> bool:
        """Begin a section; whether its byte order is valid."""
        order = _ORDERS.get(body[:4])
        self.order, self.links = order or "<", []
        return order is not None

    def interface(self, body: bytes) -> None:
        if len(body) >= 8:
            self.links.append(struct.unpack(self.order + "H2xI", body[:8]))

    def packet(self, kind: int, body: bytes, after: int) -> Packet | None:
        """The packet in a block; None where the block contradicts itself."""
        if kind == _SIMPLE_PACKET:
            return self._simple(body, after)
        if len(body) < 20:
            return None
        layout = "I8xI" if kind == _PACKET else "H2x8xI"
        interface, kept = struct.unpack(self.order + layout, body[:16])
        if interface >= len(self.links) or 20 + kept > len(body):
            return None
        return Packet(after, self.links[interface][0], body[20 : 20 + kept])

    def _simple(self, body: bytes, after: int) -> Packet | None:
        if len(body) < 4 or not self.links:
            return None
        link, snap = self.links[0]
        (length,) = struct.unpack(self.order + "I", body[:4])
        kept = min(length, snap or length)
        if 4 + kept > len(body):
            return None
        return Packet(after, link, body[4 : 4 + kept])


def _of_pcapng(content: FileContent, counts: QueryCounts) -> Iterator[Packet]:
    blocks = _Blocks()
    at, size, number = 0, len(content), 0
    while at < size:
        if at + 12 > size:
            counts.skip(_BREAKS_OFF, f"octet {at}")
            return
        head = content[at : at + 12]
        # The beginning of a section gives the byte order for all of it, also for its length.
        if head[:4] == PCAPNG and not blocks.section(head[8:]):
            counts.skip(_BROKEN, f"octet {at}")
            return
        kind, length = struct.unpack(blocks.order + "II", head[:8])
        if length < 12 or length % 4 or (kind != _SECTION and length > 2 * _MAX_PACKET):
            counts.skip(_BROKEN, f"octet {at}")
            return
        if at + length > size:
            counts.skip(_BREAKS_OFF, f"octet {at}")
            return
        body = content[at + 8 : at + length - 4]
        at += length
        if kind == _INTERFACE:
            blocks.interface(body)
        elif kind in (_PACKET, _SIMPLE_PACKET, _OLD_PACKET):
            number += 1
            packet = blocks.packet(kind, body, at)
            if packet is None:
                counts.skip("a packet whose block contradicts itself", f"packet {number}")
            else:
                yield packet
