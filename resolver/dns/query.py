"""Scan a query: from a packet to the few facts that answering needs.

A query is its ID, its name, and everything else: flags, type, class and EDNS. Most queries
of a network differ in ID and name alone, so everything else is read once into a
``QueryShape`` and looked up by its octets from then on. Who scans keeps the shapes.

What must stay true:
- ``scan`` is total: any bytes give a ``Query`` or None (no reply), in time linear in their
  length.
- A packet with QR set gets no reply, or two servers would answer each other for ever.
- ``Query.question`` holds the question's octets as they came, so that a reply echoes the case.
"""

from typing import Final

from resolver.dns.codes import (
    AXFR,
    BADVERS,
    FORMERR,
    HEADER,
    IN,
    IXFR,
    MAILA,
    MAILB,
    NOERROR,
    NOTAUTH,
    NOTIMP,
    OPCODE,
    OPT,
    QR,
    REFUSED,
    TKEY,
    TSIG,
)
from resolver.dns.names import MAX_LABEL, MAX_NAME
from resolver.dns.render import MIN_UDP_SIZE, QueryShape

_FIXED: Final = 4
"""Octets of a question after its name: type and class."""
_LONGEST_KEPT: Final = 10 + _FIXED + 11
"""Octets besides ID and name that a shape is kept for: header, type, class and a bare OPT.

Options such as cookies differ from client to client."""
_MOST_KEPT: Final = 256
"""Shapes that are kept; when there are more, all are forgotten."""

Shapes = dict[bytes, QueryShape]
"""Shapes by the octets of their queries besides ID and name."""


class Query:
    """A query as it came; ``shape.rcode`` says whether its question can be answered."""

    __slots__ = ("ident", "name", "question", "shape")

    def __init__(self, ident: bytes, name: bytes, question: bytes, shape: QueryShape) -> None:
        self.ident = ident
        """The two octets of its ID."""
        self.name = name
        """The qname in lower-case wire form; empty where it could not be read."""
        self.question = question
        """The question section as it came; empty where a reply must not echo it."""
        self.shape = shape


def scan(packet: bytes, shapes: Shapes, stream: bool = False) -> Query | None:
    """Read a packet that should be a query; None where it gets no reply.

    ``shapes`` are those that were read before from queries that came over the same transport;
    ``stream``: over TCP, where a reply may be larger.
    """
    end = _name_end(packet)
    if not end:
        if len(packet) < HEADER:
            return None
        shape = _read_shape(packet, 0, stream)
        return None if shape.silent else Query(packet[:2], b"", b"", shape)
    key = packet[2:HEADER] + packet[end:]
    known = shapes.get(key)
    if known is None:
        known = _read_shape(packet, end, stream)
        if len(key) <= _LONGEST_KEPT:
            if len(shapes) >= _MOST_KEPT:
                shapes.clear()
            shapes[key] = known
    if known.silent:
        return None
    question = packet[HEADER : end + _FIXED] if known.has_question else b""
    return Query(packet[:2], packet[HEADER:end].lower(), question, known)


def _name_end(packet: bytes) -> int:
    """Where the qname ends, its root label included; 0 where there is none or it is malformed."""
    size = len(packet)
    at = HEADER
    while at < size:
        length = packet[at]
        if length == 0:
            return at + 1 if at < HEADER + MAX_NAME else 0
        if length > MAX_LABEL:  # also a compression pointer: there is nothing to point at yet
            return 0
        at += 1 + length
    return 0


# Types that are no question to a forwarder, and the rcode for who asks them.
_UNASKABLE: Final[dict[int, int]] = {
    0: FORMERR,
    OPT: FORMERR,
    TKEY: NOTIMP,
    TSIG: FORMERR,
    IXFR: REFUSED,
    AXFR: REFUSED,
    MAILB: NOTIMP,
    MAILA: NOTIMP,
}


def _read_shape(packet: bytes, end: int, stream: bool) -> QueryShape:
    """Read what a query says besides its ID and its name, which ends at ``end`` (0: nowhere)."""
    flags = packet[2] << 8 | packet[3]
    if flags & QR:
        return QueryShape(flags, silent=True)
    if flags & OPCODE:
        return QueryShape(flags, rcode=NOTIMP, stream=stream)
    # One question (RFC 9619), nothing in the answer and authority sections.
    one_question = packet[4:10] == b"\x00\x01\x00\x00\x00\x00"
    after = end + _FIXED
    if not one_question or not end or after > len(packet):
        return QueryShape(flags, rcode=FORMERR, stream=stream)
    edns = _read_edns(packet, after, packet[10] << 8 | packet[11])
    qtype = packet[end] << 8 | packet[end + 1]
    qclass = packet[end + 2] << 8 | packet[end + 3]
    rcode = edns.rcode
    if rcode == NOERROR and (qclass != IN or qtype in _UNASKABLE):
        rcode = _UNASKABLE.get(qtype, REFUSED)
    return QueryShape(
        flags,
        rcode=rcode,
        qtype=qtype,
        has_question=True,
        has_opt=edns.has_opt,
        udp_size=edns.udp_size,
        dnssec_ok=edns.dnssec_ok,
        stream=stream,
    )


class _Edns:
    """What the additional section of a query says (RFC 6891), or the rcode that it deserves."""

    def __init__(self, rcode: int = NOERROR, has_opt: bool = False) -> None:
        self.rcode = rcode
        self.has_opt = has_opt
        self.udp_size = MIN_UDP_SIZE
        self.dnssec_ok = False


def _read_edns(packet: bytes, at: int, count: int) -> _Edns:
    edns = _Edns()
    version = 0
    for _ in range(count):
        # In a query the owner is the root (OPT; a TSIG has its key's name, and comes last).
        start = _owner_end(packet, at)
        if not start or start + 10 > len(packet):
            return _Edns(FORMERR)
        rtype = packet[start] << 8 | packet[start + 1]
        end = start + 10 + (packet[start + 8] << 8 | packet[start + 9])
        if end > len(packet):
            return _Edns(FORMERR)
        if rtype == TSIG:
            return _Edns(NOTAUTH)  # no key is known here (RFC 8945 section 5.2.1)
        if rtype == OPT:
            if edns.has_opt or start != at + 1 or not _options_fit(packet, start + 10, end):
                return _Edns(FORMERR)
            version = packet[start + 5]
            edns.has_opt = True
            edns.udp_size = packet[start + 2] << 8 | packet[start + 3]
            edns.dnssec_ok = packet[start + 6] >= 0x80
        at = end
    if at != len(packet):
        return _Edns(FORMERR)
    return _Edns(BADVERS, has_opt=True) if version else edns


def _owner_end(packet: bytes, at: int) -> int:
    """Where an owner name ends, a compression pointer being its end; 0 where it does not."""
    size = len(packet)
    while at < size:
        length = packet[at]
        if length == 0:
            return at + 1
        if length >= 0xC0:
            return at + 2
        if length > MAX_LABEL:
            return 0
        at += 1 + length
    return 0


def _options_fit(packet: bytes, at: int, end: int) -> bool:
    """Whether the options of an OPT fill its RDATA exactly (RFC 6891 section 6.1.2)."""
    while at + 4 <= end:
        at += 4 + (packet[at + 2] << 8 | packet[at + 3])
    return at == end
