"""Scan a query: read from a packet the facts that answering needs.

A query has an ID, a name, and a profile: flags, type, class and EDNS. Most queries of a network
differ only in ID and name. So each profile is read once into a ``QueryProfile`` and then looked up
by its octets. The caller keeps the profiles.

What must stay true:
- ``scan`` is total: any bytes give a ``Query`` or None (no reply), in time linear in their
  length.
- A packet with QR set gets no reply; else two servers could answer each other for ever.
- ``Query.question`` holds the octets of the question unchanged, so a reply echoes the case.
"""

from typing import Final

from resolver.dns import codes
from resolver.dns.codes import HEADER
from resolver.dns.names import MAX_LABEL, MAX_NAME
from resolver.dns.render import MIN_UDP_SIZE, QueryProfile
from resolver.dns.transport import UDP, Transport

_FIXED: Final = 4
"""Octets of a question after its name: type and class."""
_MAX_KEY: Final = 10 + _FIXED + 11
"""The longest profile that is kept, in octets: header, type, class, and an OPT without options.

Options such as cookies differ from client to client."""
_MAX_PROFILES: Final = 256
"""When this many profiles are kept, the next one clears them all."""

Profiles = dict[bytes, QueryProfile]
"""Query profiles by the octets of the query without its ID and its name."""


class Query:
    """A query; ``profile.rcode`` says whether its question can be answered."""

    __slots__ = ("ident", "name", "profile", "question")

    def __init__(self, ident: bytes, name: bytes, question: bytes, profile: QueryProfile) -> None:
        self.ident = ident
        """The two octets of the ID."""
        self.name = name
        """The qname in lower-case wire form; empty if it cannot be read."""
        self.question = question
        """The octets of the question section; empty if a reply must not echo them."""
        self.profile = profile


def scan(
    packet: bytes, profiles: Profiles, transport: Transport = UDP, nsid: bytes = b""
) -> Query | None:
    """Read a packet that should be a query; None if it gets no reply.

    Args:
        packet: The octets that a client sent.
        profiles: The profiles of earlier queries over the same transport, with the same ``nsid``.
        transport: What it came over: replies may be larger over TCP, and are padded over TLS.
        nsid: The identifier of this server, for a query that wants it; empty for none.
    """
    end = _name_end(packet)
    if not end:
        if len(packet) < HEADER:
            return None
        malformed = _read_profile(packet, 0, transport, nsid)
        return None if malformed.silent else Query(packet[:2], b"", b"", malformed)
    key = packet[2:HEADER] + packet[end:]
    profile = profiles.get(key)
    if profile is None:
        profile = _read_profile(packet, end, transport, nsid)
        if len(key) <= _MAX_KEY:
            if len(profiles) >= _MAX_PROFILES:
                profiles.clear()
            profiles[key] = profile
    if profile.silent:
        return None
    question = packet[HEADER : end + _FIXED] if profile.has_question else b""
    return Query(packet[:2], packet[HEADER:end].lower(), question, profile)


def _name_end(packet: bytes) -> int:
    """The offset behind the qname and its root label; 0 if it is missing or malformed."""
    size = len(packet)
    at = HEADER
    while at < size:
        length = packet[at]
        if length == 0:
            return at + 1 if at < HEADER + MAX_NAME else 0
        if length > MAX_LABEL:  # or a compression pointer, which has nothing to point to yet
            return 0
        at += 1 + length
    return 0


# Types that a forwarder does not look up, and the rcode of the reply.
_UNASKABLE: Final[dict[int, int]] = {
    0: codes.FORMERR,
    codes.OPT: codes.FORMERR,
    codes.NXNAME: codes.FORMERR,  # it is only in the type bitmap of an NSEC (RFC 9824 section 3.5)
    codes.TKEY: codes.NOTIMP,
    codes.TSIG: codes.FORMERR,
    codes.IXFR: codes.REFUSED,
    codes.AXFR: codes.REFUSED,
    codes.MAILB: codes.NOTIMP,
    codes.MAILA: codes.NOTIMP,
}


def _read_profile(packet: bytes, end: int, transport: Transport, nsid: bytes) -> QueryProfile:
    """Read the profile of a query; its name ends at ``end`` (0: it is missing or malformed)."""
    flags = packet[2] << 8 | packet[3]
    if flags & codes.QR:
        return QueryProfile(flags, silent=True)
    # One question (RFC 9619), nothing in the answer and authority sections.
    one_question = packet[4:10] == b"\x00\x01\x00\x00\x00\x00"
    after = end + _FIXED
    if flags & codes.OPCODE or not one_question or not end or after > len(packet):
        rcode = codes.NOTIMP if flags & codes.OPCODE else codes.FORMERR
        edns = _read_edns_of_any(packet)
        return QueryProfile(
            flags,
            rcode=rcode,
            has_opt=edns.has_opt,
            dnssec_ok=edns.dnssec_ok,
            transport=transport,
            padded=edns.padded,
        )
    edns = _read_edns(packet, after, packet[10] << 8 | packet[11])
    qtype = packet[end] << 8 | packet[end + 1]
    qclass = packet[end + 2] << 8 | packet[end + 3]
    rcode = edns.rcode
    if rcode == codes.NOERROR and (qclass != codes.IN or qtype in _UNASKABLE):
        rcode = _UNASKABLE.get(qtype, codes.REFUSED)
    return QueryProfile(
        flags,
        rcode=rcode,
        qtype=qtype,
        has_question=True,
        has_opt=edns.has_opt,
        udp_size=edns.udp_size,
        dnssec_ok=edns.dnssec_ok,
        transport=transport,
        padded=edns.padded,
        nsid=nsid if edns.wants_nsid else b"",
    )


class _Edns:
    """The EDNS facts of a query (RFC 6891), or the rcode of the error reply."""

    def __init__(self, rcode: int = codes.NOERROR) -> None:
        self.rcode = rcode
        self.has_opt = False
        self.udp_size = MIN_UDP_SIZE
        self.dnssec_ok = False
        self.wants_nsid = False
        self.padded = False

    def failed(self, rcode: int) -> "_Edns":
        """The same facts with an error; its reply has an OPT if the query has one."""
        self.rcode = rcode
        return self


def _read_edns_of_any(packet: bytes) -> _Edns:
    """The EDNS facts of a packet with any numbers of questions and records."""
    at = HEADER
    for _ in range(packet[4] << 8 | packet[5]):
        at = _owner_end(packet, at) + _FIXED
        if at == _FIXED:
            return _Edns(codes.FORMERR)
    counts = (packet[6] << 8 | packet[7], packet[8] << 8 | packet[9], packet[10] << 8 | packet[11])
    return _read_edns(packet, at, sum(counts))


def _read_edns(packet: bytes, at: int, count: int) -> _Edns:
    edns = _Edns()
    version = 0
    for _ in range(count):
        # The owner is the root for an OPT. A TSIG, which comes last, has the name of its key.
        start = _owner_end(packet, at)
        if not start or start + 10 > len(packet):
            return edns.failed(codes.FORMERR)
        rtype = packet[start] << 8 | packet[start + 1]
        end = start + 10 + (packet[start + 8] << 8 | packet[start + 9])
        if rtype == codes.OPT:
            if edns.has_opt or start != at + 1:
                return edns.failed(codes.FORMERR)
            version = packet[start + 5]
            edns.has_opt = True
            edns.udp_size = packet[start + 2] << 8 | packet[start + 3]
            edns.dnssec_ok = packet[start + 6] >= 0x80
            if not _read_options(packet, start + 10, end, edns):
                return edns.failed(codes.FORMERR)
        if end > len(packet):
            return edns.failed(codes.FORMERR)
        if rtype == codes.TSIG:
            return edns.failed(codes.NOTAUTH)  # this server has no keys (RFC 8945 section 5.2.1)
        at = end
    if at != len(packet):
        return edns.failed(codes.FORMERR)
    return edns.failed(codes.BADVERS) if version else edns


def _owner_end(packet: bytes, at: int) -> int:
    """The offset behind an owner name, which may end in a pointer; 0 if it is malformed."""
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


def _read_options(packet: bytes, at: int, end: int, edns: _Edns) -> bool:
    """Whether the options of an OPT fill its RDATA exactly (RFC 6891 section 6.1.2), each valid."""
    while at + 4 <= end <= len(packet):
        code = packet[at] << 8 | packet[at + 1]
        data = packet[at + 4 : at + 4 + (packet[at + 2] << 8 | packet[at + 3])]
        if code == codes.COOKIE and len(data) != 8 and not 16 <= len(data) <= 40:
            return False  # RFC 7873 section 5.2.2
        if code == codes.ECS and not _is_client_subnet(data):
            return False
        if code == codes.NSID:
            edns.wants_nsid = True
        if code == codes.PADDING:
            edns.padded = True
        at += 4 + (packet[at + 2] << 8 | packet[at + 3])
    return at == end


_ADDRESS_BITS: Final[dict[int, int]] = {1: 32, 2: 128}
"""By the family of a client subnet."""


def _is_client_subnet(data: bytes) -> bool:
    """Whether the data of a client subnet option has the form of a query (RFC 7871 section 6)."""
    if len(data) < 4:
        return False
    family, source, scope = data[0] << 8 | data[1], data[2], data[3]
    if scope or source > _ADDRESS_BITS.get(family, 255) or len(data) != 4 + (source + 7 >> 3):
        return False
    return not source & 7 or not data[-1] & 0xFF >> (source & 7)
