"""One query, from packet to reply.

The order, and the reason for each step:

1. scan: what cannot be read needs no policy, and what is no query gets silence.
2. who asks: a client in no VLAN is refused before it can learn or cost anything, and one
   whose prefix asks beyond all measure is met with silence.
3. local records and special-use names: they are the agency's own or mean this host, so no
   policy is asked; a forwarded zone only chooses whom to ask later.
4. policy on the question: before the cache, so that a blocked name costs no look-up and
   its counting does not depend on what others asked.
5. the cache: it holds what upstreams said, unfiltered, so the answer's targets are judged
   for this client now, whoever asked first.
6. forward: all that is left. ``conclude`` then runs steps 2 to 5 again with the answer in
   hand, under the policy of that moment: a reload in between leaves no stale verdict. An
   alias that the upstream did not follow is followed here, through its target's own zone.

Pure: no socket, no clock; ``now`` is in seconds of a monotonic clock.
"""

import enum
from typing import NamedTuple

from resolver.answers import zones
from resolver.answers.blocked import render_blocked
from resolver.answers.cache import Cache, Key, near_its_end
from resolver.answers.entry import (
    MAX_LINKS,
    Entry,
    entry,
    joined,
    local_entry,
    render_entry,
    stale,
)
from resolver.answers.zones import Forwarded, Zones
from resolver.dns import codes, render
from resolver.dns.query import Edns, Fault, Query, scan
from resolver.dns.response import Response
from resolver.forwarding.exchange import Failure
from resolver.forwarding.failures import MOMENT, RECHECK, Failures
from resolver.lists.index import Index
from resolver.policy.check import Judge
from resolver.policy.limits import Bucket, Limits
from resolver.policy.snapshot import Terms
from resolver.policy.verdict import NO_SERVICE, PASS, Outcome, Verdict
from resolver.policy.view import View, Views

UNKNOWN_VLAN = -1
_MEMO_SIZE = 65536
"""Addresses whose buckets are remembered; when there are more the memory starts anew."""


class Source(NamedTuple):
    """Where a query comes from."""

    address: str
    stream: bool
    """Whether it came over TCP, which has no limit of its own to a reply's size."""


class Path(enum.IntEnum):
    """How far a query had to go for its answer."""

    PREPARED = 0
    CACHE = 1
    """Whatever is answered without an upstream, if not prepared."""
    UPSTREAM = 2


class Tally(NamedTuple):
    """What is counted of a query: never who asked, never for what name."""

    vlan: int
    outcome: Outcome
    service: int
    rcode: int
    qtype: int
    path: Path


class Reply(NamedTuple):
    """An answer to send."""

    packet: bytes
    tally: Tally
    refresh: Key | None = None
    """A question to ask anew, since its entry is wanted and near its end."""


class Drop(NamedTuple):
    """Silence."""

    tally: Tally


class Forward(NamedTuple):
    """A question that only an upstream can answer."""

    query: Query
    source: Source
    key: Key
    """What to ask: the query's question, or the target of its unfinished chain."""
    chain: Entry | None = None
    """The aliases that have led to that target."""


class Resolver:
    """A snapshot in force and the cache: all that answering needs."""

    def __init__(self, terms: Terms, index: Index, cache: Cache, wall: float) -> None:
        self.cache = cache
        self._failures = Failures()
        self.replace(terms, index, wall)

    def replace(self, terms: Terms, index: Index, wall: float) -> None:
        """Put another snapshot in force; the cache stays, since it holds no verdicts."""
        self.terms = terms
        self.judge = Judge(terms, index)
        self.views = Views(terms, wall)
        self.zones = Zones(terms)
        self._limits = Limits(terms.settings.queries_per_prefix)
        self._buckets: dict[str, Bucket] = {}
        self._failures.clear()

    def advance(self, wall: float) -> None:
        """Let time pass for exemptions; ``wall`` is in seconds since 1970."""
        self.views.advance(wall)

    def answer(self, packet: bytes, source: Source, now: float) -> Reply | Forward | Drop:
        """What becomes of a packet."""
        query = scan(packet)
        view = self.views.of(source.address)
        if query is None or not self._bucket(source.address, view, now).take(now):
            return Drop(_tally(view, Outcome.DROPPED, 0, 0))
        if view is None:
            return _refuse(query)
        if isinstance(query, Fault):
            return _faulty(query, source, view)
        return self._resolve(query, source, view, now)

    def _bucket(self, address: str, view: View | None, now: float) -> Bucket:
        bucket = self._buckets.get(address)
        if bucket is None:
            if len(self._buckets) >= _MEMO_SIZE:
                self._buckets.clear()
            bucket = self._limits.bucket(address, view is not None, now)
            self._buckets[address] = bucket
        return bucket

    def remember(self, key: Key, response: Response, now: float) -> Entry:
        """Put what an upstream said into the cache, once for all who wait for it."""
        kept = entry(response, now)
        if kept.rcode == codes.SERVFAIL and self.cache.stale(key, now) is not None:
            return kept._replace(lifetime=0)  # a failure does not push out what was known
        self.cache.put(key, kept)
        return kept

    def conclude(
        self, forward: Forward, result: Entry | Failure, now: float
    ) -> Reply | Forward | Drop:
        """What becomes of a question that an upstream has answered, or has not."""
        query, source, key, chain = forward
        view = self.views.of(source.address)
        if view is None:
            return _refuse(query)
        failed = isinstance(result, Failure) or result.rcode == codes.SERVFAIL
        old = self.cache.stale(key, now) if failed else None
        if isinstance(result, Failure):
            self._failures.remember(key, result, now + (MOMENT if old is None else RECHECK))
            if old is None:
                return self._failed(query, source, view, result)
        kept = result if old is None else stale(old)
        assert isinstance(kept, Entry)
        if chain is not None:
            kept = joined(chain, kept, now)
        return self._resolve(query, source, view, now, kept)

    def _resolve(
        self, query: Query, source: Source, view: View, now: float, fresh: Entry | None = None
    ) -> Reply | Forward:
        group = view.policy.upstream
        found = self.zones.find(query.name)
        if found is not None:
            zone, meaning = found
            if not isinstance(meaning, Forwarded):
                rcode, sections = zones.answer(query, zone, meaning)
                return _say(query, source, view, rcode, sections)
            group = meaning.group
        verdict = self.judge.check_query(view, query.name)
        if verdict.outcome is Outcome.BLOCKED:
            return self._block(query, source, view, verdict, fresh)
        if query.qtype == codes.ANY:
            return _say(query, source, view, codes.NOERROR, _MINIMAL_ANY)
        kept = fresh
        refresh = None
        if kept is None:
            key = _key(query, query.name, group)
            kept = self._known(key, now)
            if kept is None:
                return self._ask(query, source, view, Forward(query, source, key), now)
            if near_its_end(kept, now) and self._failures.get(key, now) is None:
                refresh = key
        return self._carry(query, source, view, verdict, kept, now, fresh is not None, refresh)

    def _carry(
        self,
        query: Query,
        source: Source,
        view: View,
        verdict: Verdict,
        kept: Entry,
        now: float,
        came: bool,
        refresh: Key | None,
    ) -> Reply | Forward:
        """Tell what an upstream said, once policy has seen where it leads."""
        if kept.targets and not verdict.allowed:
            beyond = self.judge.check_answer(view, kept.targets)
            if beyond.outcome is Outcome.BLOCKED:
                return self._block(query, source, view, beyond, kept if came else None)
            if verdict is PASS:
                verdict = beyond
        if kept.unfinished:
            more = self._go_on(query, source, view, kept, now)
            if not isinstance(more, Entry):
                return more
            return self._carry(query, source, view, verdict, more, now, came, None)
        packet = render_entry(query, kept, now, _limit(query.edns, source))
        path = Path.UPSTREAM if came else Path.CACHE
        return Reply(packet, _judged(view, verdict, kept.rcode, query.qtype, path), refresh)

    def _go_on(
        self, query: Query, source: Source, view: View, kept: Entry, now: float
    ) -> Entry | Reply | Forward:
        """Follow an alias that the upstream did not, to what is known or whom to ask."""
        target = kept.unfinished
        if len(kept.targets) > MAX_LINKS or target in kept.targets[:-1]:
            failure = Failure(codes.EDE_OTHER, f"more than {MAX_LINKS} aliases, or a circle")
            return self._failed(query, source, view, failure)
        group = view.policy.upstream
        found = self.zones.find(target)
        if found is not None:
            zone, meaning = found
            if not isinstance(meaning, Forwarded):
                rcode, sections = zones.answer(query._replace(name=target), zone, meaning)
                return joined(kept, local_entry(target, query.qtype, rcode, sections, now), now)
            group = meaning.group
        key = _key(query, target, group)
        known = self._known(key, now)
        if known is not None:
            return joined(kept, known, now)
        return self._ask(query, source, view, Forward(query, source, key, kept), now)

    def _known(self, key: Key, now: float) -> Entry | None:
        """What the cache has: fresh, or stale while the upstream is known to fail."""
        kept = self.cache.get(key, now)
        if kept is None and self._failures.get(key, now) is not None:
            old = self.cache.stale(key, now)
            return None if old is None else stale(old)
        return kept

    def _ask(
        self, query: Query, source: Source, view: View, forward: Forward, now: float
    ) -> Reply | Forward:
        if not query.flags & codes.RD:
            return _say(query, source, view, codes.REFUSED, render.EMPTY)
        failure = self._failures.get(forward.key, now)
        return forward if failure is None else self._failed(query, source, view, failure)

    def _block(
        self, query: Query, source: Source, view: View, verdict: Verdict, fresh: Entry | None
    ) -> Reply:
        limit = _limit(query.edns, source)
        packet = render_blocked(query, view, verdict, self.terms, limit)
        path = Path.CACHE if fresh is None else Path.UPSTREAM
        return Reply(packet, _judged(view, verdict, packet[3] & codes.RCODE, query.qtype, path))

    def _failed(self, query: Query, source: Source, view: View, failure: Failure) -> Reply:
        errors = (render.extended_error(failure.code, failure.text),)
        limit = _limit(query.edns, source)
        packet = render.reply(query, codes.SERVFAIL, render.EMPTY, limit, errors)
        tally = Tally(
            view.vlan, Outcome.FAILED, NO_SERVICE, codes.SERVFAIL, query.qtype, Path.UPSTREAM
        )
        return Reply(packet, tally)


_MINIMAL_ANY = render.Sections(
    render.record(render.QNAME_POINTER, codes.HINFO, 3600, b"\x07RFC8482\x00"), 1
)
"""To ask for everything is answered with next to nothing (RFC 8482 section 4.2)."""


def _key(query: Query, name: bytes, group: str) -> Key:
    dnssec_ok = query.edns is not None and query.edns.dnssec_ok
    return Key(name, query.qtype, dnssec_ok, bool(query.flags & codes.CD), group)


def _limit(edns: Edns | None, source: Source) -> int:
    return render.TCP_SIZE if source.stream else render.udp_limit(edns)


def _tally(view: View | None, outcome: Outcome, rcode: int, qtype: int) -> Tally:
    vlan = UNKNOWN_VLAN if view is None else view.vlan
    return Tally(vlan, outcome, NO_SERVICE, rcode, qtype, Path.CACHE)


def _judged(view: View, verdict: Verdict, rcode: int, qtype: int, path: Path) -> Tally:
    return Tally(view.vlan, verdict.outcome, verdict.service, rcode, qtype, path)


def _say(query: Query, source: Source, view: View, rcode: int, sections: render.Sections) -> Reply:
    packet = render.reply(query, rcode, sections, _limit(query.edns, source))
    return Reply(packet, _tally(view, Outcome.PASSED, rcode, query.qtype))


def _refuse(query: Query | Fault) -> Reply:
    """REFUSED, never larger than the query: it may be a forged one."""
    refused = Fault(query.id, query.flags, codes.REFUSED, query.question, query.edns)
    packet = render.fault(refused, render.UDP_SIZE)
    qtype = query.qtype if isinstance(query, Query) else 0
    return Reply(packet, _tally(None, Outcome.REFUSED, codes.REFUSED, qtype))


def _faulty(fault: Fault, source: Source, view: View) -> Reply:
    packet = render.fault(fault, _limit(fault.edns, source))
    return Reply(packet, _tally(view, Outcome.FAILED, fault.rcode, 0))
