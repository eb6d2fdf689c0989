"""Assemble a response of records that other responses have.

What must stay true:
- A name is compressed where every reader expects that: as an owner, and in the RDATA of a type
  of RFC 1035 (RFC 3597 section 4).
- A pointer leads to a label of the question, or of a name in a record before. So the records fit
  every reply to a question of the same length.
"""

from typing import Final

from resolver.dns import codes, rdata
from resolver.dns.codes import HEADER
from resolver.dns.names import end_of
from resolver.dns.render import Counts
from resolver.dns.response import MAX_RECORDS, Response, scan
from resolver.dns.scanned_record import Record

_MAX_SIZE: Final = 60_000
"""Octets of an assembled response at most; a message has at most 65,535."""
_MAX_POINTER: Final = 0x3FFF
_COMPRESSED: Final = frozenset(range(codes.NS, 10)) | frozenset((codes.PTR, 14, codes.MX))
"""The types of RFC 1035 with names in their RDATA: 2 to 9 are NS to MR, 14 is MINFO."""


class Assembly:
    """The records of a response, with compressed names in lower case."""

    __slots__ = ("_counts", "_octets", "_offsets", "_question")

    def __init__(self, question: bytes) -> None:
        """Begin a response to a question whose name is in lower case."""
        self._question = question
        self._octets = bytearray(HEADER)
        self._offsets: dict[bytes, int] = {}
        """The offsets at which names were written."""
        self._counts = [0, 0, 0]
        self._add_name(question[:-4])
        self._octets += question[-4:]

    def add(self, record: Record) -> None:
        """Add a record; sections follow in their order."""
        fixed = record.response.packet[record.fixed_at : record.fixed_at + 8]
        self._add(record.section, record.owner, fixed, _data(record))

    def add_alias(self, section: int, owner: bytes, ttl: int, target: bytes) -> None:
        """Add a CNAME; the TTL is in seconds."""
        fixed = b"\x00\x05\x00\x01" + ttl.to_bytes(4, "big")
        self._add(section, owner, fixed, [(True, target)])

    def response(self, flags: int) -> Response:
        """The response, scanned; an empty one with SERVFAIL if the records do not fit."""
        octets, counts = self._octets, (self._counts[0], self._counts[1], self._counts[2])
        if sum(counts) > MAX_RECORDS or len(octets) > _MAX_SIZE:
            flags, counts = flags & ~codes.RCODE | codes.SERVFAIL, (0, 0, 0)
            octets = octets[: HEADER + len(self._question)]
        return assembled(
            flags, self._question, counts, bytes(octets[HEADER + len(self._question) :])
        )

    def _add(
        self, section: int, owner: bytes, fixed: bytes, data: list[tuple[bool, bytes]]
    ) -> None:
        self._counts[section] += 1
        self._add_name(owner)
        self._octets += fixed
        self._octets += b"\x00\x00"
        start = len(self._octets)
        is_compressed = fixed[0] << 8 | fixed[1] in _COMPRESSED
        for is_name, octets in data:
            if is_name and is_compressed:
                self._add_name(octets)
            else:
                self._octets += octets
        self._octets[start - 2 : start] = (len(self._octets) - start).to_bytes(2, "big")

    def _add_name(self, name: bytes) -> None:
        """Append a name; a pointer replaces the part of it that was written before."""
        start, at = len(self._octets), 0
        while length := name[at]:
            rest = name[at:]
            known = self._offsets.get(rest)
            if known is not None:
                self._octets += name[:at]
                self._octets += (0xC000 | known).to_bytes(2, "big")
                return
            if start + at <= _MAX_POINTER:
                self._offsets[rest] = start + at
            at += 1 + length
        self._octets += name


def assembled(flags: int, question: bytes, counts: Counts, records: bytes) -> Response:
    """Make a response of records that scan without error behind this question."""
    header = b"\x00\x00" + (flags | codes.QR).to_bytes(2, "big") + b"\x00\x01"
    header += b"".join([count.to_bytes(2, "big") for count in counts])
    response = scan(header + question + records)
    assert response is not None, "records that were scanned scan again"
    return response


def rewritable(response: Response) -> Response:
    """The response; or SERVFAIL, if it has too many records to be written anew in time."""
    if len(response.type_offsets) <= MAX_RECORDS:
        return response
    return assembled(codes.SERVFAIL, response.question, (0, 0, 0), b"")


def content(record: Record) -> tuple[bytes, int, bytes]:
    """Owner, type and uncompressed RDATA: equal for two copies of one record."""
    return record.owner, record.rtype, b"".join([octets for _, octets in _data(record)])


def _data(record: Record) -> list[tuple[bool, bytes]]:
    """The RDATA in parts; of each, whether it is a name, which is uncompressed."""
    response, start, end = record.response, record.rdata_at, record.end
    packet = response.packet
    parts = []
    for part in rdata.LAYOUTS.get(record.rtype, (rdata.REST,)):
        at = start
        if part == rdata.NAME:
            parts.append((True, response.name_at(at)))
            start = end_of(packet, at)
            continue
        if part >= 0:
            start += part
        elif part == rdata.STRING:
            start += 1 + packet[start]
        else:
            start = end
        parts.append((False, packet[at:start]))
    return parts
