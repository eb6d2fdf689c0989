"""The answer cache: what upstreams said, unfiltered.

An entry is a response as it came, without header and OPT, with the places of its TTLs, the
targets that policy must judge, and the seconds it may be kept. It is rendered for a client
by writing the client's question over its own (equal but for case) and ageing the TTLs.

What must stay true:
- Policy is applied after the cache, never before it: one VLAN's verdict cannot reach another.
- A TTL given to a client is never more than what is left of the upstream's.
- The bytes held stay under the bound; the least recently used go first.
- Only NOERROR and NXDOMAIN are kept, negatives for the least of their SOA's TTL and
  MINIMUM, and never without an SOA (RFC 2308 section 5).
"""

from collections import OrderedDict
from collections.abc import Iterator
from typing import NamedTuple

from resolver.dns import codes, render
from resolver.dns.query import HEADER, Query
from resolver.dns.response import ANSWER, AUTHORITY, Record, Response

MAX_TTL = 86400
"""Seconds that an entry is kept at the most."""

_OVERHEAD = 900
"""Octets that an entry takes besides its body: objects, key and table, measured."""

_LEADING_ON = frozenset({codes.CNAME, codes.DNAME, codes.SVCB, codes.HTTPS})


class Key(NamedTuple):
    """What makes two questions the same."""

    name: bytes
    qtype: int
    dnssec_ok: bool
    checking_disabled: bool
    group: str
    """The upstream group that is asked."""


class Entry(NamedTuple):
    """A response, ready to be rendered for any client."""

    flags: int
    rcode: int
    body: bytes
    """All after the header and before the OPT."""
    counts: tuple[int, int, int]
    ttls: tuple[tuple[int, int], ...]
    """Places in the body and the seconds that stood there, no more than the lifetime allows."""
    lifetime: int
    """Seconds that it may be kept; 0 for what must not be."""
    stored: float
    """The moment it came, by the monotonic clock."""
    targets: tuple[bytes, ...]
    """The names that its answer leads through, for policy."""
    errors: tuple[bytes, ...]
    """Extended DNS Errors that the upstream gave."""

    @property
    def size(self) -> int:
        """Octets of memory, nearly."""
        return _OVERHEAD + len(self.body) + 100 * len(self.ttls) + 60 * len(self.targets)


def entry(response: Response, now: float) -> Entry:
    """What there is to remember of a response that has come ``now`` (monotonic seconds)."""
    lifetime, negative_ttl = _lifetime(response)
    ttls = []
    for record in response.records:
        ttl = min(record.ttl, MAX_TTL)
        if negative_ttl is not None and record.section == AUTHORITY and record.rtype == codes.SOA:
            ttl = min(ttl, negative_ttl)
        ttls.append((record.ttl_at - HEADER, ttl))
    return Entry(
        response.flags,
        response.rcode,
        response.body[HEADER:],
        response.counts,
        tuple(ttls),
        lifetime,
        now,
        tuple(_targets(response)),
        tuple(response.errors),
    )


def _lifetime(response: Response) -> tuple[int, int | None]:
    """Seconds to keep a response, and of a negative one the TTL of its absence."""
    if response.rcode not in (codes.NOERROR, codes.NXDOMAIN) or response.flags & codes.TC:
        return 0, None
    least = min((record.ttl for record in response.records), default=0)
    if response.rcode == codes.NOERROR and _has_answer(response):
        return min(least, MAX_TTL), None
    soa = next((r for r in response.records if _is_authority_soa(r)), None)
    if soa is None:
        return 0, None
    minimum = _soa_minimum(response, soa)
    return min(least, minimum, MAX_TTL), min(soa.ttl, minimum)


def _has_answer(response: Response) -> bool:
    return any(
        record.section == ANSWER and response.qtype in (record.rtype, codes.ANY)
        for record in response.records
    )


def _is_authority_soa(record: Record) -> bool:
    return record.section == AUTHORITY and record.rtype == codes.SOA


def _soa_minimum(response: Response, soa: Record) -> int:
    """The last four octets of the SOA's RDATA."""
    body = response.body
    end = soa.rdata_at + int.from_bytes(body[soa.rdata_at - 2 : soa.rdata_at], "big")
    minimum = int.from_bytes(body[end - 4 : end], "big")
    return 0 if minimum & 0x80000000 else minimum


def _targets(response: Response) -> Iterator[bytes]:
    """Where the answer leads; a target of the root in SVCB means the owner (RFC 9460)."""
    for record in response.records:
        if record.section == ANSWER and record.rtype in _LEADING_ON and record.target != b"\x00":
            yield record.target


def render_entry(query: Query, kept: Entry, now: float, limit: int) -> bytes:
    """The reply that an entry makes to a query, at most ``limit`` octets."""
    flags = codes.QR | codes.RA | query.flags & (codes.RD | codes.CD) | kept.rcode & codes.RCODE
    wants_ad = query.flags & codes.AD or (query.edns is not None and query.edns.dnssec_ok)
    if wants_ad:
        flags |= kept.flags & codes.AD
    body = bytearray(kept.body)
    question = len(query.question)
    body[:question] = query.question
    age = int(now - kept.stored)
    for at, ttl in kept.ttls:
        left = ttl - age
        body[at : at + 4] = left.to_bytes(4, "big") if left > 0 else b"\x00\x00\x00\x00"
    return render.finish(
        query.id, flags, body, kept.counts, query.edns, kept.errors, limit, question
    )


class Cache:
    """Entries by key, bounded in octets."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.bytes = 0
        self.hits = 0
        self.misses = 0
        self._entries: OrderedDict[Key, Entry] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: Key, now: float) -> Entry | None:
        """The entry of a key that has not outlived its lifetime."""
        kept = self._entries.get(key)
        if kept is None or now - kept.stored >= kept.lifetime:
            self.misses += 1
            return None
        self.hits += 1
        self._entries.move_to_end(key)
        return kept

    def put(self, key: Key, kept: Entry) -> None:
        """Remember an entry that has a lifetime, and forget the oldest beyond the bound."""
        if kept.lifetime <= 0:
            return
        replaced = self._entries.pop(key, None)
        if replaced is not None:
            self.bytes -= replaced.size
        self._entries[key] = kept
        self.bytes += kept.size
        while self.bytes > self.max_bytes:
            _, oldest = self._entries.popitem(last=False)
            self.bytes -= oldest.size
