"""A cache entry: what an upstream said, ready to be rendered for any client.

It holds the records of a response behind its question and before its OPT, with the places of
their TTLs, the targets that policy must judge, and how long it may be kept. Pointers in the
records lead into the whole message, so they fit any reply to a question of the same length.
A reply is a client's own question and these records, aged.

What must stay true:
- A TTL given to a client is never more than what is left of the upstream's.
- The answer section holds the question's chain and nothing else (RFC 2181 section 5.4.1):
  a record beside it is nobody's to vouch for, and is left out.
- Only NOERROR and NXDOMAIN are kept, negatives for the least of their SOA's TTL and
  MINIMUM, and never without an SOA (RFC 2308 section 5); SERVFAIL for a moment (RFC 9520).
"""

from typing import Final

from resolver.dns import codes, names, render
from resolver.dns.render import Counts
from resolver.dns.response import AUTHORITY, TOP_BIT, Record, Response, scan, uncompressed

MAX_TTL: Final = 86400
"""Seconds that an entry is kept at the most."""
STALE_TTL: Final = 30
"""Seconds that a client may keep a stale answer (RFC 8767 section 5.2)."""
FAILURE_TTL: Final = 1
"""Seconds that an upstream's own SERVFAIL is passed on without asking again."""
MAX_LINKS: Final = 11
"""Aliases that a chain may have."""

_WORTH_REFRESHING: Final = 10
"""Seconds that an entry must live for a refresh before its end to be worth it."""
_REFRESH_AT: Final = 0.9
"""The part of its life after which an entry is asked for anew."""
_OVERHEAD: Final = 600
"""Octets that an entry takes besides its records, at the most: objects, key, table, and what
the allocator loses. CPython 3.11 was seen to take 480 interpreted and 305 compiled."""
_ABOVE: Final = frozenset({codes.DNAME, codes.RRSIG})
_ALIAS_ITSELF: Final = frozenset({codes.CNAME, codes.ANY})
_STALE_ERROR: Final = render.extended_error(codes.EDE_STALE_ANSWER)
_NOTHING: Final[tuple[bytes, ...]] = ()
_STALE: Final = STALE_TTL.to_bytes(4, "big")
AD_KIND: Final = 1 << 34
"""The bit of ``CacheEntry.kind`` that says AD."""

_PLACES: Final[dict[bytes, bytes]] = {}
"""The places of a sole record's TTL; nearly all entries share a few."""
_MOST_SHARED: Final = 4096


class CacheEntry:
    """An upstream's answer to one question; times are in monotonic seconds."""

    __slots__ = (
        *("dated", "errors", "expires", "kind", "lifetime", "links", "places", "records"),
        *("refresh_after", "size", "targets", "unfinished", "used"),
    )

    def __init__(
        self,
        authentic: bool,
        rcode: int,
        records: bytes,
        counts: Counts,
        places: bytes,
        lifetime: int,
        now: float,
        targets: tuple[bytes, ...] = _NOTHING,
        errors: tuple[bytes, ...] = _NOTHING,
        unfinished: bytes = b"",
        links: int = 0,
    ) -> None:
        self.records = records
        """The three sections, with the TTLs that were left at ``dated``."""
        self.places = places
        """Where TTLs stand in the records, in two octets each."""
        self.lifetime = lifetime
        """Seconds that it may be kept; 0 for what must not be."""
        self.dated = now
        """The moment at which the TTLs in the records are exact."""
        self.expires = now + lifetime
        early = lifetime * _REFRESH_AT if lifetime >= _WORTH_REFRESHING else lifetime
        self.refresh_after = now + early
        """The moment from which it should be asked for anew before it expires."""
        self.targets = targets
        """The names that its answer leads through, for policy."""
        self.errors = errors
        """Extended DNS Errors that the upstream gave."""
        self.unfinished = unfinished
        """The alias's target that the chain stops at without an answer; nothing if it is whole."""
        self.links = links
        """Aliases from the question's name on; more than ``MAX_LINKS`` where there is no end."""
        self.used = False
        """Whether it was asked for since the cache has last looked."""
        answers, authorities, additionals = counts
        self.kind = rcode << 30 | answers << 20 | authorities << 10 | additionals
        """All that the header of a reply takes from it, in one number of 35 bits."""
        if authentic:
            self.kind |= AD_KIND
        size = _OVERHEAD + len(records)
        for each in targets:
            size += 50 + len(each)
        for each in errors:
            size += 50 + len(each)
        self.size = size
        """Octets of memory, nearly."""

    @property
    def authentic(self) -> bool:
        """Whether the upstream set AD."""
        return bool(self.kind & AD_KIND)

    @property
    def rcode(self) -> int:
        """The response's rcode, of four bits."""
        return self.kind >> 30 & codes.RCODE

    @property
    def counts(self) -> Counts:
        """The records by section."""
        return self.kind >> 20 & 0x3FF, self.kind >> 10 & 0x3FF, self.kind & 0x3FF

    def aged(self, now: float) -> bytes:
        """The records with the TTLs that are left."""
        age = int(now - self.dated)
        if age > 0:
            self._age(age)
        return self.records

    def _age(self, seconds: int) -> None:
        records = bytearray(self.records)
        places = self.places
        for place in range(0, len(places), 2):
            at = places[place] << 8 | places[place + 1]
            left = (
                records[at] << 24 | records[at + 1] << 16 | records[at + 2] << 8 | records[at + 3]
            ) - seconds
            if left < 0:
                left = 0
            records[at] = left >> 24
            records[at + 1] = left >> 16 & 0xFF
            records[at + 2] = left >> 8 & 0xFF
            records[at + 3] = left & 0xFF
        self.records = bytes(records)
        self.dated += seconds


def make_entry(response: Response, now: float) -> CacheEntry:
    """The entry of a response that has come ``now`` (monotonic seconds)."""
    if not response.is_indirect:
        return _entry(response, now, _NOTHING, b"", 0)
    answers = response.answers()
    chain, endless, beside = _chain(response.name, answers)
    if beside:
        return make_entry(_without(response, beside), now)
    return _entry(
        response,
        now,
        tuple([r.target for r in answers if r.target and r.target != names.ROOT]),
        chain[-1] if endless else _unfinished(response, answers, chain),
        MAX_LINKS + 1 if endless else len(chain) - 1,
    )


def _entry(
    response: Response, now: float, targets: tuple[bytes, ...], unfinished: bytes, links: int
) -> CacheEntry:
    start = response.question_end
    records = response.packet[start : response.end]
    lifetime, negative_ttl = _lifetime(response)
    if negative_ttl >= 0 or response.max_ttl > MAX_TTL:
        records = _lowered(response, negative_ttl)
    rcode = response.rcode
    return CacheEntry(
        response.flags & codes.AD != 0,
        # Only an OPT could carry more than the header's bits, and what they say is between
        # us and the upstream: the client is told that it failed.
        rcode if rcode <= codes.RCODE else codes.SERVFAIL,
        records,
        response.counts,
        _shared_places(response.type_offsets, start),
        lifetime,
        now,
        targets,
        tuple(response.errors) if response.errors else _NOTHING,
        unfinished,
        links,
    )


def _shared_places(places: list[int], start: int) -> bytes:
    """Where the TTLs stand, from the types' places in the packet."""
    if len(places) == 1:
        at = places[0] + 4 - start
        made = bytes((at >> 8, at & 0xFF))
        if len(_PLACES) >= _MOST_SHARED:
            _PLACES.clear()
        return _PLACES.setdefault(made, made)
    octets = bytearray()
    for place in places:
        at = place + 4 - start
        octets.append(at >> 8)
        octets.append(at & 0xFF)
    return bytes(octets)


def _lowered(response: Response, negative_ttl: int) -> bytes:
    """The records with no TTL over the bounds, and that of a negative answer's SOA (or -1)."""
    start = response.question_end
    packet = response.packet
    records = bytearray(packet[start : response.end])
    for number, place in enumerate(response.type_offsets):
        ttl = int.from_bytes(packet[place + 4 : place + 8], "big")
        ttl = 0 if ttl & TOP_BIT else min(ttl, MAX_TTL)
        is_soa = packet[place] == 0 and packet[place + 1] == codes.SOA
        if negative_ttl >= 0 and is_soa and response.section_of(number) == AUTHORITY:
            ttl = min(ttl, negative_ttl)
        at = place + 4 - start
        records[at : at + 4] = ttl.to_bytes(4, "big")
    return bytes(records)


def _chain(name: bytes, answers: list[Record]) -> tuple[list[bytes], bool, list[Record]]:
    """The question's chain of names, whether it leads in a circle or too far, what is beside it."""
    aliases = {record.owner: record.target for record in answers if record.rtype == codes.CNAME}
    chain = [name]
    target = aliases.get(name)
    while target is not None and target not in chain and len(chain) <= MAX_LINKS:
        chain.append(target)
        target = aliases.get(target)
    # A DNAME stands above the names that it renames; RRSIGs stand where what they sign does.
    above = {zone for each in chain for zone in names.zones(each)}
    beside = [r for r in answers if r.owner not in (above if r.rtype in _ABOVE else chain)]
    return chain, target is not None, beside


def _without(response: Response, beside: list[Record]) -> Response:
    """The response as it would be had these records not been put into it."""
    places = {record.fixed_at for record in beside}
    kept = [record for record in response.records() if record.fixed_at not in places]
    counts = [0, 0, 0]
    for record in kept:
        counts[record.section] += 1
    question = response.packet[codes.HEADER : response.question_end]
    return rescanned(response, question, (counts[0], counts[1], counts[2]), kept)


def rescanned(response: Response, question: bytes, counts: Counts, kept: list[Record]) -> Response:
    """A response to a question with these of another's records, names no longer compressed."""
    found = assembled(response.flags, question, counts, uncompressed(response, kept))
    found.extended_rcode = response.extended_rcode
    found.errors = response.errors
    return found


def assembled(flags: int, question: bytes, counts: Counts, records: bytes) -> Response:
    """The response of these sections, which are known to be sound."""
    header = b"\x00\x00" + (flags | codes.QR).to_bytes(2, "big") + b"\x00\x01"
    header += b"".join([count.to_bytes(2, "big") for count in counts])
    found = scan(header + question + records)
    assert found is not None, "what was scanned once and uncompressed scans again"
    return found


def _lifetime(response: Response) -> tuple[int, int]:
    """Seconds to keep a response, and of a negative one the TTL of its absence, else -1."""
    rcode = response.rcode
    if rcode == codes.SERVFAIL:
        return FAILURE_TTL, -1
    if rcode not in (codes.NOERROR, codes.NXDOMAIN) or response.flags & codes.TC:
        return 0, -1
    least = min(response.min_ttl, MAX_TTL) if response.type_offsets else 0
    answered = response.counts[0] > 0 and rcode == codes.NOERROR
    if answered and (not response.is_indirect or _has(response)):
        return least, -1
    if not response.soa_at:  # an unfinished chain is kept as the aliases that it is
        return (least if answered else 0), -1
    ttl, minimum = _soa_ttls(response)
    return min(least, minimum), min(ttl, minimum)


def _has(response: Response) -> bool:
    """Whether the answer section has records of the type asked for."""
    qtype = response.qtype
    return any(qtype in (record.rtype, codes.ANY) for record in response.answers())


def _soa_ttls(response: Response) -> tuple[int, int]:
    """The TTL and the MINIMUM of the SOA; one with its top bit set counts as 0."""
    packet, at = response.packet, response.soa_at
    end = at + 10 + (packet[at + 8] << 8 | packet[at + 9])
    ttl = int.from_bytes(packet[at + 4 : at + 8], "big")
    minimum = int.from_bytes(packet[end - 4 : end], "big")
    return 0 if ttl & TOP_BIT else ttl, 0 if minimum & TOP_BIT else minimum


def _unfinished(response: Response, answers: list[Record], chain: list[bytes]) -> bytes:
    if len(chain) == 1 or response.rcode != codes.NOERROR or response.qtype in _ALIAS_ITSELF:
        return b""
    ends = any(r.owner == chain[-1] and r.rtype != codes.RRSIG for r in answers)
    return b"" if ends or response.soa_at else chain[-1]


def stale(entry: CacheEntry, now: float) -> CacheEntry:
    """The entry as it may be told when it has expired and nobody can be asked (RFC 8767)."""
    records = bytearray(entry.records)
    for place in range(0, len(entry.places), 2):
        at = entry.places[place] << 8 | entry.places[place + 1]
        records[at : at + 4] = _STALE
    return CacheEntry(
        False,
        entry.rcode,
        bytes(records),
        entry.counts,
        entry.places,
        0,
        now,
        entry.targets,
        (*entry.errors, _STALE_ERROR),
        entry.unfinished,
        entry.links,
    )
