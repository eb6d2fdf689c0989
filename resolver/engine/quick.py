"""The short way from a packet to an entry, for the responses that most upstreams send.

Those are: records of the name and type asked for, and no more; or NOERROR or NXDOMAIN, not
truncated, with an answer section of addresses and aliases that starts at the question and
follows its chain, NS or SOA records as authority, addresses and a bare OPT behind. Whatever
else there is takes the careful way (``dns.response`` and ``answers.entry``), which this one
must agree with to the octet: it is the reference.

Names are checked without being built. For every place where a label starts the length of
the name from there on is kept; a pointer must lead to such a place, so no name is walked
twice and none is accepted that the careful scan would refuse.
"""

import struct

from resolver.dns import codes
from resolver.dns.names import MAX_NAME, ROOT
from resolver.dns.query import HEADER
from resolver.dns.render import QNAME_POINTER
from resolver.dns.response import MAX_RECORDS
from resolver.engine.entry import MAX_LINKS, MAX_TTL, Entry

_FIXED = struct.Struct(">HHHIH")
"""A record whose owner is a pointer: owner, type, class, TTL, RDLENGTH."""
_REST = struct.Struct(">HHIH")
"""A record after its owner."""
_OWNED = struct.Struct(">6sIH")
"""Owner, type and class of a record whose owner is a pointer; TTL, RDLENGTH."""
_COUNTS = struct.Struct(">HHH")
_HEAD = struct.Struct(">xxHxxHHH")
"""A header's flags, and its counts after the question's."""
_USABLE = frozenset({codes.NOERROR, codes.NXDOMAIN})
_BARE_OPT = 11
_QNAME = int.from_bytes(QNAME_POINTER, "big")
_ADDRESS_LENGTH = {codes.A: 4, codes.AAAA: 16}
_OTHERS = frozenset({codes.TXT, codes.SVCB, codes.HTTPS})
_OWNERS = {
    qtype: QNAME_POINTER + qtype.to_bytes(2, "big") + codes.IN.to_bytes(2, "big")
    for qtype in (*_ADDRESS_LENGTH, *_OTHERS)
}
"""How records of a type begin whose owner is the name asked for, up to the TTL."""
_NO_ERRORS: tuple[bytes, ...] = ()
# What entries have in common is not made for each: it was an eighth of what one took.
_ONLY_ANSWERS = [(answers, 0, 0) for answers in range(MAX_RECORDS)]
_AT = [(place,) for place in range(MAX_NAME + 4 + 6 + 1)]
"""Where the TTL of a sole record is, by that place: behind a question and the owner, type and
class of the record."""
_SAME_FLAGS: dict[int, int] = {}


class _Unusual(Exception):
    """This response takes the careful way."""


def quick_entry(packet: bytes, question: int, qtype: int, now: float) -> Entry | None:
    """The entry of a response whose question section, ``question`` octets, has been checked.

    None for whatever is not usual; nothing is decided about it.
    """
    flags, answers, authorities, additionals = _HEAD.unpack_from(packet)
    rcode = flags & codes.RCODE
    if flags & codes.TC or rcode not in _USABLE:
        return None
    try:
        if answers and not rcode and not authorities and additionals <= 1:
            kept = _one_set(packet, HEADER + question, qtype, now, flags, answers, additionals)
            if kept is not None:
                return kept
        return _Quick(packet, question).entry(rcode, qtype, now)
    except (_Unusual, struct.error, IndexError):
        return None


def _one_set(
    packet: bytes, at: int, qtype: int, now: float, flags: int, answers: int, opts: int
) -> Entry | None:
    """The entry of what is most usual of all: records of the name and type asked for, no more."""
    wanted_owner = _OWNERS.get(qtype)
    if wanted_owner is None or answers >= MAX_RECORDS:  # there may be an OPT besides
        return None
    wanted = _ADDRESS_LENGTH.get(qtype)
    places = []
    lifetime = MAX_TTL
    for _ in range(answers):
        owner, ttl, length = _OWNED.unpack_from(packet, at)
        if owner != wanted_owner:
            return None
        places.append(at + 6 - HEADER)
        if ttl < lifetime:
            lifetime = ttl
        elif ttl > MAX_TTL:
            return None
        if length != wanted and (wanted or not _fits(packet, qtype, at + 12, at + 12 + length)):
            return None
        at += 12 + length
    if not (_ends_in_bare_opt(packet, at) if opts else at == len(packet)):
        return None
    return Entry(
        _SAME_FLAGS.setdefault(flags, flags),
        codes.NOERROR,
        packet[HEADER:at],
        _ONLY_ANSWERS[answers],
        _AT[places[0]] if answers == 1 else tuple(places),
        lifetime,
        now,
        _NO_ERRORS,
        _NO_ERRORS,
    )


def _fits(packet: bytes, qtype: int, at: int, end: int) -> bool:
    """Whether RDATA is well formed, and names nobody else."""
    if qtype == codes.TXT:
        at += 1 + packet[at]  # there is at least one string
        while at < end:
            at += 1 + packet[at]
        return at == end
    if packet[at + 2]:  # a service of another name, which policy must see
        return False
    at += 3
    previous = -1
    while at < end:
        key = packet[at] << 8 | packet[at + 1]
        if key <= previous:
            return False
        previous = key
        at += 4 + (packet[at + 2] << 8 | packet[at + 3])
    return at == end


def _ends_in_bare_opt(packet: bytes, at: int) -> bool:
    """A root owner, type OPT, no extended rcode, no option, and nothing behind."""
    return (
        len(packet) == at + _BARE_OPT
        and packet.startswith(b"\x00\x00\x29", at)
        and not packet[at + 5]
        and packet.endswith(b"\x00\x00")
    )


class _Quick:
    __slots__ = ("_at", "_least", "_lengths", "_lowered", "_packet", "_places", "_question")

    def __init__(self, packet: bytes, question: int) -> None:
        self._packet = packet
        self._question = question
        self._at = HEADER + question
        self._places: list[int] = []
        self._least = MAX_TTL
        """The least TTL so far."""
        self._lowered: tuple[int, bytes] | None = None
        """Where the SOA's TTL stands, and the MINIMUM that is told instead."""
        self._lengths: dict[int, int] = {}
        """By place of a label, the octets of the name from there on."""

    def entry(self, rcode: int, qtype: int, now: float) -> Entry:
        answers, authorities, additionals = _COUNTS.unpack_from(self._packet, 6)
        if answers + authorities + additionals > MAX_RECORDS:
            raise _Unusual
        targets, last = self._answers(answers, qtype) if answers else (_NO_ERRORS, 0)
        ends = qtype == last
        if answers and not ends:
            raise _Unusual
        negative = self._authority(authorities) if authorities else None
        end, others = self._additional(additionals)
        lifetime = self._least
        if negative is not None and not answers:
            lifetime = min(negative, lifetime)
        elif not ends or rcode != codes.NOERROR:
            raise _Unusual
        body = self._packet[HEADER:end]
        if self._lowered is not None:
            at, ttl = self._lowered
            body = body[:at] + ttl + body[at + 4 :]
        return Entry(
            self._packet[2] << 8 | self._packet[3],
            rcode,
            body,
            (answers, authorities, others),
            tuple(self._places),
            lifetime,
            now,
            targets,
            _NO_ERRORS,
            b"",
            len(targets),
        )

    def _answers(self, count: int, qtype: int) -> tuple[tuple[bytes, ...], int]:
        """Walk the chain: the aliases' targets, and the type that it ends with."""
        packet, at = self._packet, self._at
        owner = _QNAME
        targets: tuple[bytes, ...] = ()
        last = 0
        for _ in range(count):
            pointer, rtype, rclass, ttl, length = _FIXED.unpack_from(packet, at)
            if pointer != owner or rclass != codes.IN:
                raise _Unusual
            self._ttl(at + 6, ttl)
            at += 12
            if rtype == codes.CNAME:
                if last or len(targets) >= MAX_LINKS or at > 0x3FFF:
                    raise _Unusual
                target = self._target(at, at + length)
                if target in targets or target == self._name_asked():  # a circle
                    raise _Unusual
                targets += (target,)
                owner = 0xC000 | at
            elif length == _ADDRESS_LENGTH.get(rtype) or (
                rtype == qtype and rtype in _OTHERS and _fits(packet, rtype, at, at + length)
            ):
                if last not in (0, rtype):
                    raise _Unusual
                last = rtype
            else:
                raise _Unusual
            at += length
        self._at = at
        return targets, last

    def _authority(self, count: int) -> int | None:
        """Walk NS and SOA records: of an SOA the seconds that absence may be kept."""
        negative = None
        for _ in range(count):
            at = self._name(self._at)
            rtype, rclass, ttl, length = _REST.unpack_from(self._packet, at)
            end = at + 10 + length
            if rtype == codes.SOA and negative is None and not self._places:
                if self._name(self._name(at + 10)) + 20 != end:
                    raise _Unusual
                minimum = self._packet[end - 4 : end]
                negative = int.from_bytes(minimum, "big")
                if negative > MAX_TTL:
                    raise _Unusual
                if negative < ttl <= MAX_TTL:
                    ttl = negative
                    self._lowered = (at + 4 - HEADER, minimum)
            elif rtype != codes.NS or self._name(at + 10) != end:
                raise _Unusual
            if rclass != codes.IN or end > len(self._packet):
                raise _Unusual
            self._ttl(at + 4, ttl)
            self._at = end
        return negative

    def _additional(self, count: int) -> tuple[int, int]:
        """Walk addresses and the OPT behind them: where the body ends, and how many stay."""
        packet = self._packet
        for place in range(count):
            at = self._at
            if packet[at] == 0 and place == count - 1:
                if not _ends_in_bare_opt(packet, at):
                    raise _Unusual
                return at, place
            at = self._name(at)
            rtype, rclass, ttl, length = _REST.unpack_from(packet, at)
            if length != _ADDRESS_LENGTH.get(rtype) or rclass != codes.IN:
                raise _Unusual
            self._ttl(at + 4, ttl)
            self._at = at + 10 + length
        if self._at != len(packet):
            raise _Unusual
        return self._at, count

    def _ttl(self, at: int, ttl: int) -> None:
        """Note where a TTL stands, and the least of them."""
        if ttl > MAX_TTL:  # to be lowered in the body as well
            raise _Unusual
        self._places.append(at - HEADER)
        if ttl < self._least:
            self._least = ttl

    def _name(self, at: int) -> int:
        """Check the name that starts here; where it ends here."""
        packet, lengths = self._packet, self._lengths
        if not lengths:
            self._know_question()
        starts = []
        while length := packet[at]:
            if length >= 0xC0:
                rest = lengths.get((length & 0x3F) << 8 | packet[at + 1])
                if rest is None:
                    raise _Unusual
                end = at + 2
                break
            if length > 63:
                raise _Unusual
            starts.append(at)
            at += 1 + length
        else:
            rest, end = 1, at + 1
        for start in reversed(starts):
            rest += 1 + packet[start]
            lengths[start] = rest
        if rest > MAX_NAME:
            raise _Unusual
        return end

    def _name_asked(self) -> bytes:
        return self._packet[HEADER : HEADER + self._question - 4].lower()

    def _know_question(self) -> None:
        at, end = HEADER, HEADER + self._question - 4
        while length := self._packet[at]:
            self._lengths[at] = end - at
            at += 1 + length

    def _target(self, at: int, end: int) -> bytes:
        """Check and build the name that fills the RDATA."""
        if self._name(at) != end:
            raise _Unusual
        packet = self._packet
        parts = []
        while length := packet[at]:
            if length >= 0xC0:
                at = (length & 0x3F) << 8 | packet[at + 1]
            else:
                parts.append(packet[at : at + 1 + length])
                at += 1 + length
        if not parts:
            raise _Unusual
        parts.append(ROOT)
        return b"".join(parts).lower()
