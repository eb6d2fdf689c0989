"""A cache entry: the response of an upstream, ready to be rendered for any client.

An entry holds the records of a response between its question and its OPT, the offsets of their
TTLs, what policy must judge (the targets, and one address for each range of a service), and the
lifetime. Compression pointers in the records point into the whole message, so they fit every reply
to a question of the same length. A reply has the client's own question and these records, with
their TTLs reduced by the entry's age.

What must stay true:
- A TTL in a reply is never more than what is left of the upstream's TTL.
- It holds only what ``scrub`` keeps of a response.
- A negative answer is cached for the least of the TTL and the MINIMUM of its SOA (RFC 2308 section
  5), a minute at most if it is of a forwarded zone. Without an SOA, NODATA is cached for five
  seconds, NXDOMAIN never. An error of an upstream, such as SERVFAIL or REFUSED, is cached for one
  second (RFC 9520 section 3.2).
- An answer of a filter lives for a minute at most, says so with EDE 4, and is never served stale.
"""

import struct
from typing import Final

from resolver.dns import codes, render
from resolver.dns.render import Counts
from resolver.dns.response import AUTHORITY, TOP_BIT, Response
from resolver.exchange.scrub import scrub
from resolver.policy.address_ranges import AddressRanges

MAX_TTL: Final = 86400
"""Seconds that an entry lives at most."""
MAX_NEGATIVE_TTL: Final = 3600
"""Seconds that a negative answer lives at most (RFC 2308 section 5)."""
OWN_NEGATIVE_TTL: Final = 60
"""The same for a forwarded zone, whose names come by updates: a machine that joins Active Directory
asks for its own name before it registers it. The zone's servers are near."""
STALE_TTL: Final = 30
"""The TTL of a stale answer, in seconds (RFC 8767 section 5.2)."""
FAILURE_TTL: Final = 1
"""Seconds that an error of an upstream is cached (RFC 9520 section 3.2)."""
NO_SUCH_TYPE_TTL: Final = 5
"""Seconds that NODATA is cached where no SOA says how long (RFC 2308 section 5).

The upstream sent nothing, or records of other types alone. The time is short, since the fault may
end at any moment, and it spares an upstream that clients ask for each connection (RFC 9520 section
3.2 permits up to 300 seconds). Clients get no SOA either, so they do not keep it.
"""
FILTER_TTL: Final = 60
"""Seconds that the answer of a filter lives at most, as a blocked one."""
MAX_RESTARTS: Final = 11
"""The most targets of a chain that this server asks for; one response may hold a longer chain."""

_MIN_REFRESHED: Final = 10
"""The least lifetime, in seconds, of an entry that is refreshed before it expires."""
_REFRESH_AT: Final = 0.9
"""The part of its lifetime after which an entry in use is refreshed."""
_OVERHEAD: Final = 600
"""Octets of memory of an entry without its records, at most: objects, key, table, and allocator
loss. CPython 3.11 was seen to take 480 interpreted and 305 compiled."""
_PASSED_RCODES: Final = frozenset(
    {codes.NOERROR, codes.SERVFAIL, codes.NXDOMAIN, codes.REFUSED, codes.YXDOMAIN}
)
_ANSWERING: Final = frozenset({codes.NOERROR, codes.NXDOMAIN, codes.YXDOMAIN})
_STALE_ERROR: Final = render.extended_error(codes.EDE_STALE_ANSWER)
_STALE_NXDOMAIN: Final = render.extended_error(codes.EDE_STALE_NXDOMAIN)
_OTHER_TYPES: Final = (
    render.extended_error(codes.EDE_OTHER, "the upstream gave records of other types alone"),
)
_OF_FILTER: Final = (
    render.extended_error(
        codes.EDE_FORGED_ANSWER, "answer of the national filter; not this network's policy"
    ),
)
_NOTHING: Final[tuple[bytes, ...]] = ()
_STALE: Final = STALE_TTL.to_bytes(4, "big")
_TTL: Final = struct.Struct(">I")
AD_BIT: Final = 1 << 30
"""The AD bit in ``CacheEntry.header``."""

_SHARED_OFFSETS: Final[dict[bytes, bytes]] = {}
"""The TTL offset of entries with one record: nearly all have one of a few values."""
_MAX_SHARED: Final = 4096


class CacheEntry:
    """The answer of an upstream to one question; times are in monotonic seconds."""

    __slots__ = (
        "addresses",
        "aliases",
        "answers",
        "dated",
        "errors",
        "expires",
        "filter_address",
        "header",
        "lifetime",
        "ranges",
        "records",
        "refresh_after",
        "restarts",
        "size",
        "targets",
        "ttl_offsets",
        "unfinished",
        "used",
    )

    def __init__(
        self,
        authentic: bool,
        rcode: int,
        records: bytes,
        counts: Counts,
        ttl_offsets: bytes,
        lifetime: int,
        now: float,
        targets: tuple[bytes, ...] = _NOTHING,
        aliases: tuple[bytes, ...] = _NOTHING,
        errors: tuple[bytes, ...] = _NOTHING,
        unfinished: bytes = b"",
        restarts: int = 0,
    ) -> None:
        self.records = records
        """The three sections, with the TTLs at the time ``dated``."""
        self.ttl_offsets = ttl_offsets
        """The offsets of the TTLs in ``records``, two octets each."""
        self.lifetime = lifetime
        """In seconds; 0 if it must not be cached."""
        self.dated = now
        """The time at which the TTLs in ``records`` are exact."""
        self.expires = now + lifetime
        early = lifetime * _REFRESH_AT if lifetime >= _MIN_REFRESHED else lifetime
        self.refresh_after = now + early
        """The time after which a query for this entry also refreshes it."""
        self.targets = targets
        """The targets in the answer section, for policy."""
        self.aliases = aliases
        """The names of the alias chain behind the question's, mostly the same tuple; the last is
        the owner of all addresses."""
        self.ranges: AddressRanges | None = None
        """The ranges by which ``addresses`` were found last."""
        self.addresses: tuple[bytes, ...] = _NOTHING
        """Of the addresses in the answer, one for each of these ranges, for policy."""
        self.errors = errors
        """Extended DNS Errors of the upstream."""
        self.filter_address = b""
        """The first address of a filter in the answer; empty if it has none."""
        self.unfinished = unfinished
        """The last target of a chain that has no answer for it; empty if the chain is whole."""
        self.restarts = restarts
        """The responses that are joined here, less one; above ``MAX_RESTARTS`` if it is a loop."""
        self.answers = rcode in _ANSWERING
        """Whether the rcode answers the question, and is no error of the upstream."""
        self.used = False
        """Whether a query used it since the cache last considered its eviction."""
        answers, authorities, _ = counts  # the additional section is empty
        self.header = rcode << 26 | answers << 13 | authorities
        """AD, rcode and section counts in one number of 31 bits: all that a reply header needs."""
        if authentic:
            self.header |= AD_BIT
        size = _OVERHEAD + len(records) + len(ttl_offsets) + _memory(targets + errors)
        self.size = size if aliases is targets else size + _memory(aliases)
        """An estimate of its memory, in octets."""

    @property
    def authentic(self) -> bool:
        """Whether AD is passed on: the upstream set it, and is trusted for it."""
        return bool(self.header & AD_BIT)

    @property
    def rcode(self) -> int:
        """The rcode, of four bits."""
        return self.header >> 26 & codes.RCODE

    @property
    def counts(self) -> Counts:
        """The numbers of records by section."""
        return self.header >> 13 & 0x1FFF, self.header & 0x1FFF, 0

    def aged(self, now: float) -> bytes:
        """The records with the TTLs of now."""
        age = int(now - self.dated)
        if age > 0:
            self._age(age)
        return self.records

    def live_at_most(self, seconds: int) -> None:
        """Bound the lifetime and all TTLs of an entry that was just made."""
        self.records = with_ttls_up_to(seconds, self.records, self.ttl_offsets)
        self.lifetime = min(self.lifetime, seconds)
        self.expires = self.refresh_after = self.dated + self.lifetime

    def mark_filter(self, address: bytes) -> None:
        """Mark an entry that was just made as the answer of a filter, which has this address."""
        self.filter_address = address
        self.live_at_most(FILTER_TTL)
        if not set(_OF_FILTER) <= set(self.errors):
            self.errors += _OF_FILTER
            self.size += _memory(_OF_FILTER)

    def note(self, ranges: AddressRanges | None, addresses: tuple[bytes, ...]) -> None:
        """Note what ``AddressRanges.distinct`` gives; the entry takes more memory by this."""
        self.size += _memory(addresses) - _memory(self.addresses)
        self.ranges, self.addresses = ranges, addresses

    def _age(self, seconds: int) -> None:
        records, ttl_offsets = self.records, self.ttl_offsets
        parts = []  # compiled, changing a bytearray takes 1.6 times the instructions
        end = 0
        for index in range(0, len(ttl_offsets), 2):
            at = ttl_offsets[index] << 8 | ttl_offsets[index + 1]
            left = (
                records[at] << 24 | records[at + 1] << 16 | records[at + 2] << 8 | records[at + 3]
            ) - seconds
            parts.append(records[end:at])
            parts.append(_TTL.pack(left if left > 0 else 0))
            end = at + 4
        parts.append(records[end:])
        self.records = b"".join(parts)
        self.dated += seconds


def _memory(values: tuple[bytes, ...]) -> int:
    """An estimate of the memory of names, addresses or errors, in octets."""
    size = 0
    for value in values:
        size += 50 + len(value)
    return size


def make_entry(
    response: Response, now: float, dnssec_ok: bool, most_negative: int = MAX_NEGATIVE_TTL
) -> CacheEntry:
    """Make the entry of a response; ``now`` is in monotonic seconds.

    ``dnssec_ok`` is DO of its question; ``most_negative`` is the most seconds that a negative
    answer lives. The response is scrubbed, and changed.
    """
    scrubbed = scrub(response, dnssec_ok)
    response = scrubbed.response
    start = response.question_end
    records = response.packet[start : response.end]
    lifetime, negative_ttl = _lifetime(response, scrubbed.is_positive, most_negative)
    if negative_ttl >= 0 or response.max_ttl > MAX_TTL:
        records = _lowered(response, negative_ttl)
    return CacheEntry(
        response.flags & codes.AD != 0,
        # An rcode about the query of this server becomes SERVFAIL.
        response.rcode if response.rcode in _PASSED_RCODES else codes.SERVFAIL,
        records,
        response.counts,
        _ttl_offsets(response.type_offsets, start),
        lifetime,
        now,
        scrubbed.targets,
        scrubbed.aliases,
        tuple(response.errors) if response.errors else _NOTHING,
        scrubbed.unfinished,
        MAX_RESTARTS + 1 if scrubbed.is_loop else 0,
    )


def no_such_type(now: float) -> CacheEntry:
    """NODATA for a name that exists, of which the upstream sent records of other types alone.

    It has no SOA, so clients do not keep it, and no AD, since nothing proves it.
    """
    counts = (0, 0, 0)
    return CacheEntry(
        False, codes.NOERROR, b"", counts, b"", NO_SUCH_TYPE_TTL, now, errors=_OTHER_TYPES
    )


def _ttl_offsets(type_offsets: list[int], start: int) -> bytes:
    """The TTL offsets of an entry, from the offsets of the types in the packet."""
    if len(type_offsets) == 1:
        at = type_offsets[0] + 4 - start
        made = bytes((at >> 8, at & 0xFF))
        if len(_SHARED_OFFSETS) >= _MAX_SHARED:
            _SHARED_OFFSETS.clear()
        return _SHARED_OFFSETS.setdefault(made, made)
    octets = bytearray()
    for offset in type_offsets:
        at = offset + 4 - start
        octets.append(at >> 8)
        octets.append(at & 0xFF)
    return bytes(octets)


def _lowered(response: Response, negative_ttl: int) -> bytes:
    """The records with TTLs up to ``MAX_TTL``; the SOA's up to ``negative_ttl``, unless -1."""
    start = response.question_end
    packet = response.packet
    records = bytearray(packet[start : response.end])
    for number, offset in enumerate(response.type_offsets):
        ttl = int.from_bytes(packet[offset + 4 : offset + 8], "big")
        ttl = 0 if ttl & TOP_BIT else min(ttl, MAX_TTL)
        is_soa = packet[offset] == 0 and packet[offset + 1] == codes.SOA
        if negative_ttl >= 0 and is_soa and response.section_of(number) == AUTHORITY:
            ttl = min(ttl, negative_ttl)
        at = offset + 4 - start
        records[at : at + 4] = ttl.to_bytes(4, "big")
    return bytes(records)


def _lifetime(response: Response, is_positive: bool, most_negative: int) -> tuple[int, int]:
    """The lifetime of a response in seconds; and the negative TTL, or -1 if it is not negative."""
    if is_positive and not response.flags & codes.TC:
        return min(response.min_ttl, MAX_TTL), -1
    rcode = response.rcode
    if rcode not in (codes.NOERROR, codes.NXDOMAIN):
        return FAILURE_TTL, -1
    if response.flags & codes.TC:
        return 0, -1
    least = min(response.min_ttl, MAX_TTL)
    if not response.soa_at:
        if rcode != codes.NOERROR:
            return 0, -1
        # An unfinished chain lives as long as its aliases.
        return (least if response.counts[0] else min(least, NO_SUCH_TYPE_TTL)), -1
    ttl, minimum = _soa_ttls(response)
    most = min(minimum, most_negative)
    return min(least, most), min(ttl, most)


def _soa_ttls(response: Response) -> tuple[int, int]:
    """The TTL and the MINIMUM of the SOA; each counts as 0 if its top bit is set."""
    packet, at = response.packet, response.soa_at
    end = at + 10 + (packet[at + 8] << 8 | packet[at + 9])
    ttl = int.from_bytes(packet[at + 4 : at + 8], "big")
    minimum = int.from_bytes(packet[end - 4 : end], "big")
    return 0 if ttl & TOP_BIT else ttl, 0 if minimum & TOP_BIT else minimum


def stale(entry: CacheEntry, now: float) -> CacheEntry:
    """The entry as a stale answer (RFC 8767), while its upstream fails."""
    records = bytearray(entry.records)
    for index in range(0, len(entry.ttl_offsets), 2):
        at = entry.ttl_offsets[index] << 8 | entry.ttl_offsets[index + 1]
        records[at : at + 4] = _STALE
    rcode = entry.rcode
    error = _STALE_NXDOMAIN if rcode == codes.NXDOMAIN else _STALE_ERROR
    made = CacheEntry(
        False,
        rcode,
        bytes(records),
        entry.counts,
        entry.ttl_offsets,
        0,
        now,
        entry.targets,
        entry.aliases,
        (*entry.errors, error),
        entry.unfinished,
        entry.restarts,
    )
    made.note(entry.ranges, entry.addresses)
    return made


def with_ttls_up_to(most: int, records: bytes, ttl_offsets: bytes) -> bytes:
    """The records of an entry with TTLs of at most so many seconds."""
    lowered = bytearray(records)
    for index in range(0, len(ttl_offsets), 2):
        at = ttl_offsets[index] << 8 | ttl_offsets[index + 1]
        ttl = min(most, int.from_bytes(records[at : at + 4], "big"))
        lowered[at : at + 4] = ttl.to_bytes(4, "big")
    return bytes(lowered)
