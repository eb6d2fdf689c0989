"""One query, from packet to reply.

The order, and the reason for each step:

1. scan: what cannot be read needs no policy, and what is no query gets silence.
2. who asks: a client in no VLAN is refused before it can learn or cost anything.
3. local records and special-use names: they are the agency's own or mean this host, so no
   policy is asked; a forwarded zone only chooses whom to ask later.
4. policy on the question: before the cache, so that a blocked name costs no look-up and
   its counting does not depend on what others asked.
5. the cache: it holds what upstreams said, unfiltered, so the answer's targets are judged
   for this client now, whoever asked first.
6. forward: all that is left. ``conclude`` then runs steps 2 to 5 again with the answer in
   hand, under the policy of that moment: a reload in between leaves no stale verdict.

Pure: no socket, no clock; ``now`` is in seconds of a monotonic clock.
"""

import enum
from typing import NamedTuple

from resolver.answers import zones
from resolver.answers.blocked import render_blocked
from resolver.answers.cache import Cache, Entry, Key, entry, render_entry
from resolver.answers.zones import Forwarded, Zones
from resolver.dns import codes, render
from resolver.dns.query import Edns, Fault, Query, scan
from resolver.dns.response import Response
from resolver.forwarding.exchange import Failure
from resolver.lists.index import Index
from resolver.policy.check import Judge
from resolver.policy.snapshot import Terms
from resolver.policy.verdict import NO_SERVICE, PASS, Outcome, Verdict
from resolver.policy.view import View, Views

UNKNOWN_VLAN = -1


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


class Drop(NamedTuple):
    """Silence."""

    tally: Tally


class Forward(NamedTuple):
    """A question that only an upstream can answer."""

    query: Query
    source: Source
    key: Key


class Resolver:
    """A snapshot in force and the cache: all that answering needs."""

    def __init__(self, terms: Terms, index: Index, cache: Cache, wall: float) -> None:
        self.cache = cache
        self.replace(terms, index, wall)

    def replace(self, terms: Terms, index: Index, wall: float) -> None:
        """Put another snapshot in force; the cache stays, since it holds no verdicts."""
        self.terms = terms
        self.judge = Judge(terms, index)
        self.views = Views(terms, wall)
        self.zones = Zones(terms)

    def advance(self, wall: float) -> None:
        """Let time pass for exemptions; ``wall`` is in seconds since 1970."""
        self.views.advance(wall)

    def answer(self, packet: bytes, source: Source, now: float) -> Reply | Forward | Drop:
        """What becomes of a packet."""
        query = scan(packet)
        view = self.views.of(source.address)
        if query is None:
            return Drop(_tally(view, Outcome.DROPPED, 0, 0))
        if view is None:
            return _refuse(query)
        if isinstance(query, Fault):
            return _faulty(query, source, view)
        return self._resolve(query, source, view, now)

    def remember(self, key: Key, response: Response, now: float) -> Entry:
        """Put what an upstream said into the cache, once for all who wait for it."""
        kept = entry(response, now)
        self.cache.put(key, kept)
        return kept

    def conclude(
        self, forward: Forward, result: Entry | Failure, now: float
    ) -> Reply | Forward | Drop:
        """What becomes of a question that an upstream has answered, or has not."""
        view = self.views.of(forward.source.address)
        if view is None:
            return _refuse(forward.query)
        if isinstance(result, Failure):
            return self._failed(forward.query, forward.source, view, result)
        return self._resolve(forward.query, forward.source, view, now, result)

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
        kept = fresh
        if kept is None:
            key = _key(query, group)
            kept = self.cache.get(key, now)
            if kept is None:
                if not query.flags & codes.RD:
                    return _say(query, source, view, codes.REFUSED, render.EMPTY)
                return Forward(query, source, key)
        if kept.targets and verdict is PASS:
            verdict = self.judge.check_answer(view, kept.targets)
            if verdict.outcome is Outcome.BLOCKED:
                return self._block(query, source, view, verdict, fresh)
        packet = render_entry(query, kept, now, _limit(query.edns, source))
        path = Path.CACHE if fresh is None else Path.UPSTREAM
        return Reply(packet, _judged(view, verdict, kept.rcode, query.qtype, path))

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


def _key(query: Query, group: str) -> Key:
    dnssec_ok = query.edns is not None and query.edns.dnssec_ok
    return Key(query.name, query.qtype, dnssec_ok, bool(query.flags & codes.CD), group)


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
