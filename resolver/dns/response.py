"""Scanning a response: is every byte of it sound, and what do policy and cache need of it?

``scan`` walks all records of all sections once. A compression pointer must lead to a label
that was read before as part of a name, and what it stood for is remembered: so no octet is
walked twice, chains of pointers, which cost other parsers seconds, cost one step each, and
no name can lead through a TTL, which changes with age. What cannot be read in full is no
response at all.

What must stay true:
- ``scan`` is total: any bytes give a ``Response`` or ``None``, in time linear in their
  length, and a ``Response`` parses in any conforming reader, whatever its TTLs become.
- ``Response.body`` ends where the OPT begins: OPT is hop by hop (RFC 6891 section 6.2.6),
  and what a server puts behind it (a TSIG meant for us) is not for the client either.
"""

import struct
from collections.abc import Iterable
from typing import NamedTuple

from resolver.dns import codes, rdata
from resolver.dns.names import MAX_NAME, ROOT
from resolver.dns.query import HEADER

ANSWER, AUTHORITY, ADDITIONAL = 0, 1, 2

MAX_RECORDS = 640
"""Records of a response; one with more is refused unread, since reading takes its time."""

_LONGEST_TEXT = 200
"""Octets of an Extended DNS Error's text that are passed on (RFC 8914 section 2)."""
_TOP_BIT = 0x80000000
_COUNTS = struct.Struct(">HHH")


class Record(NamedTuple):
    """One record of a response; offsets are into the packet."""

    section: int
    owner: bytes
    rtype: int
    ttl: int
    """Seconds; a TTL with its top bit set counts as 0 (RFC 2181 section 8)."""
    ttl_at: int
    rdata_at: int
    target: bytes
    """The first name in the RDATA (of CNAME, DNAME, SVCB, HTTPS the target), or nothing."""


class Response(NamedTuple):
    """A response that was read to its last byte."""

    id: int
    flags: int
    rcode: int
    """With the upper bits from the OPT (RFC 6891 section 6.1.3)."""
    name: bytes
    qtype: int
    qclass: int
    records: list[Record]
    """All but OPT and what follows it, in the order they came."""
    body: bytes
    """The packet up to its OPT."""
    counts: tuple[int, int, int]
    """Records of the body by section."""
    errors: list[bytes]
    """Extended DNS Errors, each as the option's data (RFC 8914 section 2)."""
    has_opt: bool
    suffixes: dict[int, bytes]
    """The names that stand in the packet, by the place where each of their labels starts."""


class _Malformed(Exception):
    """The packet cannot be read."""


def scan(packet: bytes) -> Response | None:
    """Read a packet that should be a response with one question."""
    if len(packet) < HEADER or not packet[2] & 0x80 or packet[4:6] != b"\x00\x01":
        return None
    if sum(_COUNTS.unpack_from(packet, 6)) > MAX_RECORDS:
        return None
    try:
        return _Scan(packet).response()
    except (_Malformed, IndexError):
        return None


class _Scan:
    """The state of one walk over one packet."""

    def __init__(self, packet: bytes) -> None:
        self.packet = packet
        self.suffixes: dict[int, bytes] = {}
        self.errors: list[bytes] = []
        self.opt_at = 0
        self.extended_rcode = 0

    def response(self) -> Response:
        packet = self.packet
        name, at = self.name(HEADER)
        qtype, qclass = self.u16(at), self.u16(at + 2)
        records, at = self.records(at + 4)
        if at != len(packet):
            raise _Malformed
        counts = [0, 0, 0]
        for record in records:
            counts[record.section] += 1
        flags = self.u16(2)
        return Response(
            self.u16(0),
            flags,
            flags & codes.RCODE | self.extended_rcode << 4,
            name,
            qtype,
            qclass,
            records,
            packet[: self.opt_at] if self.opt_at else packet,
            (counts[0], counts[1], counts[2]),
            self.errors,
            bool(self.opt_at),
            self.suffixes,
        )

    def records(self, at: int) -> tuple[list[Record], int]:
        records = []
        for section in (ANSWER, AUTHORITY, ADDITIONAL):
            for _ in range(self.u16(6 + 2 * section)):
                start = at
                record, at = self.record(section, at)
                if record.rtype == codes.OPT:
                    self.opt(record, start, at)
                elif not self.opt_at:
                    records.append(record)
        return records, at

    def record(self, section: int, at: int) -> tuple[Record, int]:
        packet = self.packet
        owner, at = self.name(at)
        rtype = self.u16(at)
        ttl = int.from_bytes(packet[at + 4 : at + 8], "big")
        end = at + 10 + self.u16(at + 8)
        if end > len(packet):
            raise _Malformed
        target = self.layout(rdata.LAYOUTS.get(rtype), at + 10, end)
        return Record(
            section, owner, rtype, 0 if ttl & _TOP_BIT else ttl, at + 4, at + 10, target
        ), end

    def opt(self, record: Record, start: int, end: int) -> None:
        if self.opt_at or record.section != ADDITIONAL or record.owner != b"\x00":
            raise _Malformed
        self.opt_at = start
        self.extended_rcode = self.packet[record.ttl_at]
        at = record.rdata_at
        while at < end:
            length = self.u16(at + 2)
            if self.u16(at) == codes.EDE and length >= 2:
                self.errors.append(_readable(self.packet[at + 4 : at + 4 + length]))
            at += 4 + length

    def layout(self, parts: tuple[int, ...] | None, at: int, end: int) -> bytes:
        """Check RDATA against its type's layout; the first name in it, or nothing."""
        if parts is None:
            return b""
        first = b""
        for part in parts:
            if part >= 0:
                at += part
            elif part == rdata.NAME:
                name, at = self.name(at)
                first = first or name
            elif part == rdata.STRING:
                at += 1 + self.packet[at]
            else:
                at = self.tail(part, at, end)
            if at > end:
                raise _Malformed
        if at != end:
            raise _Malformed
        return first

    def tail(self, part: int, at: int, end: int) -> int:
        """Check what reaches to the end of the RDATA; where it does end."""
        if part == rdata.REST:
            return end
        if part == rdata.STRINGS:
            at += 1 + self.packet[at]  # there is at least one
            while at < end:
                at += 1 + self.packet[at]
            return at
        previous = -1
        while at < end:
            if part == rdata.PARAMS:
                if self.u16(at) <= previous:
                    raise _Malformed
                previous = self.u16(at)
            at += 4 + self.u16(at + 2)
        return at

    def u16(self, at: int) -> int:
        return self.packet[at] << 8 | self.packet[at + 1]

    def name(self, at: int) -> tuple[bytes, int]:
        """The name that starts here, lower-case and uncompressed, and where it ends here."""
        packet = self.packet
        steps = []
        while length := packet[at]:
            steps.append(at)
            if length >= 0xC0:
                tail = self.suffixes.get((length & 0x3F) << 8 | packet[at + 1])
                if tail is None:
                    raise _Malformed
                return self.assemble(steps, tail), at + 2
            if length > 63:
                raise _Malformed
            at += 1 + length
        self.suffixes[at] = ROOT
        return self.assemble(steps, ROOT), at + 1

    def assemble(self, steps: list[int], tail: bytes) -> bytes:
        """Join the labels at these places to the tail, remembering what each place stands for."""
        packet = self.packet
        suffixes = self.suffixes
        for at in reversed(steps):
            length = packet[at]
            if length <= 63:  # otherwise a pointer, which stands for its target's name
                tail = packet[at : at + 1 + length].lower() + tail
                if len(tail) > MAX_NAME:
                    raise _Malformed
            suffixes[at] = tail
        return tail


def _readable(error: bytes) -> bytes:
    """An Extended DNS Error with a text of bearable length, none where that is no UTF-8."""
    try:
        text = error[2:].decode()
    except UnicodeDecodeError:
        return error[:2]
    return error[:2] + text.encode()[:_LONGEST_TEXT].decode(errors="ignore").encode()


def all_uncompressed(response: Response, records: Iterable[Record]) -> bytes:
    """Records of a response on their own: names in owner and RDATA written in full.

    Names keep the lower case that the scan gave them.
    """
    scan = _Scan(response.body)
    scan.suffixes = response.suffixes
    return b"".join([_written_out(scan, record) for record in records])


def _written_out(scan: _Scan, record: Record) -> bytes:
    body = scan.packet
    start = record.rdata_at
    end = start + scan.u16(start - 2)
    parts = []
    for part in rdata.LAYOUTS.get(record.rtype, (rdata.REST,)):
        at = start
        if part == rdata.NAME:
            name, start = scan.name(at)
            parts.append(name)
            continue
        if part >= 0:
            start += part
        elif part == rdata.STRING:
            start += 1 + body[start]
        else:
            start = end
        parts.append(body[at:start])
    data = b"".join(parts)
    fixed = body[record.ttl_at - 4 : record.ttl_at + 4]
    return record.owner + fixed + len(data).to_bytes(2, "big") + data
