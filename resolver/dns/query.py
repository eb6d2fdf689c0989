"""Scanning a query: from a packet to the few facts that answering needs.

The scan reads the header, the one question and the additional section, and checks every
length before it uses it. It never raises: a packet becomes a ``Query``, a ``Fault`` (to be
answered with an rcode) or ``None`` (to be met with silence).

What must stay true:
- ``scan`` is total: any bytes give one of the three, in time linear in their length.
- A packet with QR set is never answered (two servers would talk to each other for ever).
- ``Query.question`` holds the question's bytes as they came, so that the case is echoed.
"""

from typing import NamedTuple

from resolver.dns.codes import (
    AXFR,
    BADVERS,
    FORMERR,
    IN,
    IXFR,
    MAILA,
    MAILB,
    NOTAUTH,
    NOTIMP,
    OPCODE,
    OPT,
    QR,
    REFUSED,
    TKEY,
    TSIG,
)

HEADER = 12
MIN_UDP_SIZE = 512


class Edns(NamedTuple):
    """What a query's OPT record says (RFC 6891 section 6.1)."""

    size: int
    dnssec_ok: bool


class Query(NamedTuple):
    """One question, checked."""

    id: int
    flags: int
    name: bytes
    """The qname, lower-case wire form."""
    qtype: int
    qclass: int
    question: bytes
    """The question section as it came."""
    edns: Edns | None


class Fault(NamedTuple):
    """A query that is answered with an error before anybody looks at what it asks."""

    id: int
    flags: int
    rcode: int
    question: bytes
    """The question section as it came, or nothing where it could not be read."""
    edns: Edns | None = None


def scan(packet: bytes) -> Query | Fault | None:
    """Read a packet that should be a query."""
    if len(packet) < HEADER:
        return None
    ident = packet[0] << 8 | packet[1]
    flags = packet[2] << 8 | packet[3]
    if flags & QR:
        return None
    if flags & OPCODE:
        return Fault(ident, flags, NOTIMP, b"")
    # One question (RFC 9619), nothing in the answer and authority sections.
    if packet[4:10] != b"\x00\x01\x00\x00\x00\x00":
        return Fault(ident, flags, FORMERR, b"")
    end = _question_end(packet)
    if not end:
        return Fault(ident, flags, FORMERR, b"")
    question = packet[HEADER:end]
    edns: Edns | None = None
    if packet[10:12] == b"\x00\x01" and packet.startswith(_BARE_OPT, end) and _is_bare(packet, end):
        edns = Edns(packet[end + 3] << 8 | packet[end + 4], packet[end + 7] >= 0x80)
    elif packet[10:12] != b"\x00\x00":
        extra = _additional(packet, end, packet[10] << 8 | packet[11])
        if isinstance(extra, int):
            edns = Edns(MIN_UDP_SIZE, False) if extra == BADVERS else None
            return Fault(ident, flags, extra, question, edns)
        edns = extra
    elif end != len(packet):
        return Fault(ident, flags, FORMERR, question)
    qtype = packet[end - 4] << 8 | packet[end - 3]
    qclass = packet[end - 2] << 8 | packet[end - 1]
    if qclass != IN or qtype in _UNASKABLE or qtype == 0:
        return Fault(ident, flags, _UNASKABLE.get(qtype, REFUSED), question, edns)
    return Query(ident, flags, packet[HEADER : end - 4].lower(), qtype, qclass, question, edns)


_BARE_OPT = b"\x00\x00\x29"
"""How an OPT begins: the root, and its type."""


def _is_bare(packet: bytes, at: int) -> bool:
    """Whether an OPT that begins here is the usual one: version 0, no options, the last octet."""
    return len(packet) == at + 11 and not packet[at + 6] and packet[at + 9 :] == b"\x00\x00"


# Types that are no question to a forwarder, and what is said to who asks them.
_UNASKABLE = {
    0: FORMERR,
    OPT: FORMERR,
    TKEY: NOTIMP,
    TSIG: FORMERR,
    IXFR: REFUSED,
    AXFR: REFUSED,
    MAILB: NOTIMP,
    MAILA: NOTIMP,
}


def _question_end(packet: bytes) -> int:
    """Where the question section ends, or 0 where the question is malformed."""
    at = HEADER
    size = len(packet)
    while at < size:
        length = packet[at]
        if length == 0:
            end = at + 5
            return end if end <= size and at - HEADER < 255 else 0
        if length > 63:  # also a compression pointer: there is nothing to point at yet
            return 0
        at += 1 + length
    return 0


def _additional(packet: bytes, at: int, count: int) -> Edns | int | None:
    """Walk the additional section: the OPT it has, or the rcode that it deserves."""
    found: Edns | None = None
    version = 0
    size = len(packet)
    for _ in range(count):
        # In a query the owner is the root (OPT, TSIG with a key name comes last).
        start = _owner_end(packet, at)
        if not start or start + 10 > size:
            return FORMERR
        rtype = packet[start] << 8 | packet[start + 1]
        end = start + 10 + (packet[start + 8] << 8 | packet[start + 9])
        if end > size:
            return FORMERR
        if rtype == TSIG:
            return NOTAUTH  # no key is known here (RFC 8945 section 5.2.1)
        if rtype == OPT:
            if found is not None or start != at + 1 or not _options_fit(packet, start + 10, end):
                return FORMERR
            version = packet[start + 5]
            found = Edns(
                packet[start + 2] << 8 | packet[start + 3],
                bool(packet[start + 6] & 0x80),
            )
        at = end
    if at != size:
        return FORMERR
    return BADVERS if version else found


def _owner_end(packet: bytes, at: int) -> int:
    """Where an owner name ends, a compression pointer being its end; 0 where it does not."""
    size = len(packet)
    while at < size:
        length = packet[at]
        if length == 0:
            return at + 1
        if length >= 0xC0:
            return at + 2
        if length > 63:
            return 0
        at += 1 + length
    return 0


def _options_fit(packet: bytes, at: int, end: int) -> bool:
    """Whether the options of an OPT fill its RDATA exactly (RFC 6891 section 6.1.2)."""
    while at + 4 <= end:
        at += 4 + (packet[at + 2] << 8 | packet[at + 3])
    return at == end
