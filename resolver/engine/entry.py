"""An entry: a response as it came, ready to be rendered for any client.

It is the response without header and OPT, with the places of its TTLs, the targets that
policy must judge, and the seconds it may be kept. It is rendered for a client by writing
the client's question over its own (equal but for case) and ageing the TTLs.

What must stay true:
- A TTL given to a client is never more than what is left of the upstream's.
- The answer section holds the question's chain and nothing else (RFC 2181 section 5.4.1):
  a record beside it is nobody's to vouch for, and is left out.
- Only NOERROR and NXDOMAIN are kept, negatives for the least of their SOA's TTL and
  MINIMUM, and never without an SOA (RFC 2308 section 5); SERVFAIL for a moment (RFC 9520).
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from resolver.dns import codes, names, render
from resolver.dns.query import HEADER, Query
from resolver.dns.response import ANSWER, AUTHORITY, MAX_RECORDS, Record, Response, all_uncompressed
from resolver.dns.response import scan as scan_response

MAX_TTL = 86400
"""Seconds that an entry is kept at the most."""
STALE_TTL = 30
"""Seconds that a client may keep a stale answer (RFC 8767 section 5.2)."""
FAILURE_TTL = 1
"""Seconds that an upstream's own SERVFAIL is passed on without asking again."""
MAX_LINKS = 11
"""Aliases that a chain may have."""

_TTL = struct.Struct("!I")
_WORTH_REFRESHING = 10
"""Seconds that an entry must live for a refresh before its end to be worth it."""
_OVERHEAD = 740
_PER_TTL = 36
"""Octets that an entry takes besides its body, and for each of its TTLs: objects, key and
table. Fitted to the resident memory of CPython 3.11 with a cache of usual answers."""
_LARGEST = 60_000
"""Octets of records that are joined at the most: a message holds 65,535 in all."""
_LEADING_ON = frozenset({codes.CNAME, codes.DNAME, codes.SVCB, codes.HTTPS})
_ABOVE = frozenset({codes.DNAME, codes.RRSIG})
_ALIAS_ITSELF = frozenset({codes.CNAME, codes.ANY})
_STALE_ERROR = render.extended_error(codes.EDE_STALE_ANSWER)


@dataclass(slots=True, init=False)
class Entry:
    """A response, ready to be rendered; nothing of one changes but what is counted."""

    flags: int
    rcode: int
    body: bytes
    """All after the header and before the OPT, with the TTLs that a client may be told."""
    counts: tuple[int, int, int]
    places: tuple[int, ...]
    """Where TTLs stand in the body."""
    lifetime: int
    """Seconds that it may be kept; 0 for what must not be."""
    stored: float
    """The moment it came, by the monotonic clock."""
    targets: tuple[bytes, ...]
    """The names that its answer leads through, for policy."""
    errors: tuple[bytes, ...]
    """Extended DNS Errors that the upstream gave."""
    unfinished: bytes = b""
    """The alias's target that the chain stops at without an answer; nothing if it is whole."""
    links: int = 0
    """Aliases from the question's name on; more than ``MAX_LINKS`` where they lead in a circle."""
    fresh_until: float = field(init=False, compare=False)
    """The moment from which it should be asked anew before it ends, or at which it ends."""
    used: bool = field(default=False, init=False, compare=False)
    """Whether it was asked for since the cache has last looked."""
    told: int = field(default=0, init=False, compare=False)
    """How often it was told and no prepared answer was there."""
    prepared: int = field(default=0, init=False, compare=False)
    """How many prepared answers were made of it, as ``answers.prepared`` counts them."""
    size: int = field(init=False, compare=False)
    """Octets of memory, nearly."""

    def __init__(
        self,
        flags: int,
        rcode: int,
        body: bytes,
        counts: tuple[int, int, int],
        places: tuple[int, ...],
        lifetime: int,
        stored: float,
        targets: tuple[bytes, ...],
        errors: tuple[bytes, ...],
        unfinished: bytes = b"",
        links: int = 0,
    ) -> None:
        # By hand, since one is made for every response: what is made for us calls once more.
        self.flags = flags
        self.rcode = rcode
        self.body = body
        self.counts = counts
        self.places = places
        self.lifetime = lifetime
        self.stored = stored
        self.targets = targets
        self.errors = errors
        self.unfinished = unfinished
        self.links = links
        self.fresh_until = stored + (lifetime * 0.9 if lifetime >= _WORTH_REFRESHING else lifetime)
        self.used = False
        self.told = self.prepared = 0
        self.size = _OVERHEAD + len(body) + _PER_TTL * len(places)
        if targets or errors:
            self.size += sum([50 + len(each) for each in (*targets, *errors)])


def entry(response: Response, now: float) -> Entry:
    """What there is to remember of a response that has come ``now`` (monotonic seconds)."""
    answers = [record for record in response.records if record.section == ANSWER]
    chain, circle, beside = _chain(response.name, answers)
    if beside:
        return entry(_without(response, beside), now)
    lifetime, negative_ttl = _lifetime(response, answers)
    body = bytearray(response.body[HEADER:])
    places = []
    for record in response.records:
        ttl = min(record.ttl, MAX_TTL)
        if negative_ttl is not None and record.section == AUTHORITY and record.rtype == codes.SOA:
            ttl = min(ttl, negative_ttl)
        at = record.ttl_at - HEADER
        body[at : at + 4] = ttl.to_bytes(4, "big")
        places.append(at)
    return Entry(
        response.flags,
        # Only an OPT could carry more than the header's bits, and what they say is between
        # us and the upstream: the client is told that it failed.
        response.rcode if response.rcode <= codes.RCODE else codes.SERVFAIL,
        bytes(body),
        response.counts,
        tuple(places),
        lifetime,
        now,
        tuple(r.target for r in answers if r.rtype in _LEADING_ON and r.target != names.ROOT),
        tuple(response.errors),
        chain[-1] if circle else _unfinished(response, answers, chain),
        MAX_LINKS + 1 if circle else len(chain) - 1,
    )


def _chain(name: bytes, answers: Sequence[Record]) -> tuple[list[bytes], bool, list[Record]]:
    """The question's chain of names, whether it comes back to one, and the answers beside it."""
    if all(record.owner == name and record.rtype != codes.CNAME for record in answers):
        return [name], False, []
    aliases = {record.owner: record.target for record in answers if record.rtype == codes.CNAME}
    chain = [name]
    target = aliases.get(name)
    while target is not None and target not in chain and len(chain) <= MAX_LINKS:
        chain.append(target)
        target = aliases.get(target)
    # A DNAME stands above the names that it renames; RRSIGs stand where what they sign does.
    above = {zone for name in chain for zone in names.zones(name)}
    beside = [r for r in answers if r.owner not in (above if r.rtype in _ABOVE else chain)]
    return chain, target in chain, beside


def _without(response: Response, beside: Sequence[Record]) -> Response:
    """The response as it would be had these records not been put into it."""
    places = {record.rdata_at for record in beside}
    kept = [record for record in response.records if record.rdata_at not in places]
    return assemble(response, kept)


def assemble(response: Response, records: Sequence[Record]) -> Response:
    """The response with these of its records alone, names no longer compressed."""
    counts = tuple(sum(r.section == section for r in records) for section in range(3))
    end = HEADER + len(response.name) + 4
    return _scanned(
        response, response.body[HEADER:end], counts, all_uncompressed(response, records)
    )


def _scanned(
    response: Response, question: bytes, counts: tuple[int, ...], records: bytes
) -> Response:
    header = b"\x00\x00" + response.flags.to_bytes(2, "big") + b"\x00\x01"
    header += b"".join(count.to_bytes(2, "big") for count in counts)
    scanned = scan_response(header + question + records)
    assert scanned is not None, "what was scanned once and uncompressed scans again"
    return scanned._replace(rcode=response.rcode, errors=response.errors)


def _lifetime(response: Response, answers: Sequence[Record]) -> tuple[int, int | None]:
    """Seconds to keep a response, and of a negative one the TTL of its absence."""
    if response.rcode == codes.SERVFAIL:
        return FAILURE_TTL, None
    if response.rcode not in (codes.NOERROR, codes.NXDOMAIN) or response.flags & codes.TC:
        return 0, None
    least = min((record.ttl for record in response.records), default=0)
    soa = next((r for r in response.records if _is_authority_soa(r)), None)
    if response.rcode == codes.NOERROR and _has(response.qtype, answers):
        return min(least, MAX_TTL), None
    if soa is None:  # an unfinished chain is kept as the aliases that it is
        aliases = answers and response.rcode == codes.NOERROR
        return (min(least, MAX_TTL) if aliases else 0), None
    minimum = _soa_minimum(response, soa)
    return min(least, minimum, MAX_TTL), min(soa.ttl, minimum)


def _has(qtype: int, answers: Sequence[Record]) -> bool:
    return any(qtype in (record.rtype, codes.ANY) for record in answers)


def _is_authority_soa(record: Record) -> bool:
    return record.section == AUTHORITY and record.rtype == codes.SOA


def _soa_minimum(response: Response, soa: Record) -> int:
    """The last four octets of the SOA's RDATA."""
    body = response.body
    end = soa.rdata_at + int.from_bytes(body[soa.rdata_at - 2 : soa.rdata_at], "big")
    minimum = int.from_bytes(body[end - 4 : end], "big")
    return 0 if minimum & 0x80000000 else minimum


def _unfinished(response: Response, answers: Sequence[Record], chain: Sequence[bytes]) -> bytes:
    if len(chain) == 1 or response.rcode != codes.NOERROR or response.qtype in _ALIAS_ITSELF:
        return b""
    ends = any(r.owner == chain[-1] and r.rtype != codes.RRSIG for r in answers)
    negative = any(_is_authority_soa(record) for record in response.records)
    return b"" if ends or negative else chain[-1]


def local_entry(
    name: bytes, qtype: int, rcode: int, sections: render.Sections, now: float
) -> Entry:
    """The entry of what this server knows by itself, where a chain leads to it."""
    question = name + qtype.to_bytes(2, "big") + b"\x00\x01"
    query = Query(0, 0, name, qtype, codes.IN, question, None)
    scanned = scan_response(render.reply(query, rcode, sections, render.TCP_SIZE))
    assert scanned is not None, "what this server renders can be read"
    return entry(scanned, now)


def joined(first: Entry, second: Entry, now: float) -> Entry:
    """The answer to the first's question, whose chain the second goes on with."""
    before, after = _aged(first, now), _aged(second, now)
    aliases = [record for record in before.records if record.section == ANSWER]
    if len(aliases) + len(after.records) > MAX_RECORDS:
        return _unusable(before, now)
    answers = all_uncompressed(before, aliases)
    rest = all_uncompressed(after, after.records)
    counts = (len(aliases) + after.counts[0], *after.counts[1:])
    if len(answers) + len(rest) > _LARGEST:
        return _unusable(before, now)
    question = first.body[: len(before.name) + 4]
    both = _scanned(after, question, counts, answers + rest)
    whole = entry(both, now)
    flags = whole.flags & ~codes.AD | first.flags & second.flags & codes.AD
    return replace(
        whole,
        flags=flags,
        unfinished=second.unfinished,
        # The moment at which the TTLs were exact: the seconds that have begun since count.
        stored=min(part.stored + int(now - part.stored) for part in (first, second)),
    )


def _unusable(response: Response, now: float) -> Entry:
    """SERVFAIL to the same question: what there is to say does not fit."""
    question = response.body[HEADER : HEADER + len(response.name) + 4]
    return Entry(0, codes.SERVFAIL, question, (0, 0, 0), (), 0, now, (), ())


def _aged(kept: Entry, now: float) -> Response:
    header = b"\x00\x00" + kept.flags.to_bytes(2, "big") + b"\x00\x01"
    header += b"".join(count.to_bytes(2, "big") for count in kept.counts)
    scanned = scan_response(header + bytes(aged_body(kept, now)))
    assert scanned is not None, "what was kept has been scanned"
    return scanned._replace(rcode=kept.rcode, errors=list(kept.errors))


def aged_body(kept: Entry, now: float) -> bytearray:
    """An entry's body with the TTLs that are left."""
    body = bytearray(kept.body)
    age = int(now - kept.stored)
    for at in kept.places:
        (ttl,) = _TTL.unpack_from(body, at)
        _TTL.pack_into(body, at, ttl - age if ttl > age else 0)
    return body


def stale(kept: Entry, now: float) -> Entry:
    """The entry as it may be told when it has outlived itself and nobody can be asked."""
    body = bytearray(kept.body)
    for at in kept.places:
        body[at : at + 4] = STALE_TTL.to_bytes(4, "big")
    return replace(
        kept,
        body=bytes(body),
        errors=(*kept.errors, _STALE_ERROR),
        flags=kept.flags & ~codes.AD,
        lifetime=0,
        stored=now,
    )


def render_entry(query: Query, kept: Entry, now: float, limit: int) -> bytes:
    """The reply that an entry makes to a query, at most ``limit`` octets."""
    flags = codes.QR | codes.RA | query.flags & (codes.RD | codes.CD) | kept.rcode & codes.RCODE
    if query.flags & codes.AD or (query.edns is not None and query.edns.dnssec_ok):
        flags |= kept.flags & codes.AD
    question = query.question
    length = len(question)
    if now - kept.stored < 1:
        body = question + kept.body[length:]
    else:
        aged = aged_body(kept, now)
        aged[:length] = question
        body = bytes(aged)
    return render.finish(query.id, flags, body, kept.counts, query.edns, kept.errors, limit, length)
