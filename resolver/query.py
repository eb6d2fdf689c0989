"""One query, from packet to reply.

The order, and the reason for each step:

1. scan: what cannot be read needs no policy, and what is no query gets silence.
2. who asks: a client in no VLAN is refused before it can learn or cost anything, and one
   whose prefix asks beyond all measure is met with silence.
3. the prepared answer to these exact octets, if there is one: the same view was given it
   before, and nothing it rests on has ended.
4. local records and special-use names: they are the agency's own or mean this host, so no
   policy is asked; a forwarded zone only chooses whom to ask later.
5. policy on the question: before the cache, so that a blocked name costs no look-up and
   its counting does not depend on what others asked.
6. the cache: it holds what upstreams said, unfiltered, so the answer's targets are judged
   for this client now, whoever asked first.
7. forward: all that is left. ``conclude`` then runs steps 2 and 4 to 6 again with the answer in
   hand, under the policy of that moment: a reload in between leaves no stale verdict. An
   alias that the upstream did not follow is followed here, through its target's own zone.

Pure: no socket, no clock; ``now`` is in seconds of a monotonic clock.
"""

from collections.abc import Callable

from resolver.answers import zones
from resolver.answers.blocked import render_blocked
from resolver.answers.cache import Cache, Key, near_its_end
from resolver.answers.entry import (
    MAX_LINKS,
    Entry,
    joined,
    local_entry,
    render_entry,
    stale,
)
from resolver.answers.prepared import Prepared, PreparedAnswer, Shelf
from resolver.answers.tally import Path, Tally
from resolver.answers.zones import Forwarded, Zones
from resolver.dns import codes, render
from resolver.dns.query import Edns, Fault, Query, scan
from resolver.forwarding.exchange import Failure
from resolver.forwarding.failures import MOMENT, RECHECK, Failures
from resolver.lists.index import Index
from resolver.policy.check import Judge
from resolver.policy.limits import Limits
from resolver.policy.snapshot import Terms
from resolver.policy.verdict import BLOCKED, NO_SERVICE, PASS, Outcome, Verdict
from resolver.policy.view import View, Views
from resolver.transaction import (
    UNKNOWN_VLAN,
    Asked,
    Client,
    Drop,
    Forward,
    Reply,
    Source,
)
from resolver.witness import Nobody, Witness

_TOO_LONG = Failure(codes.EDE_NO_REACHABLE_AUTHORITY, "the aliases took too long to follow")
_UPSTREAM_FAILS = Failure(codes.EDE_NO_REACHABLE_AUTHORITY, "the upstream fails")
_CLIENTS = 65536
"""Addresses remembered; when there are more the memory starts anew."""
_PREPARED_SHARE = 4
"""Prepared answers may take a fourth of what the cache may, besides."""


class Resolver:
    """A snapshot in force and the cache: all that answering needs.

    ``clients`` leads from addresses to what is known of them over UDP; that edge looks there
    first, and sends a prepared answer without coming here at all.
    """

    def __init__(
        self,
        terms: Terms,
        index: Index,
        cache: Cache,
        wall: float,
        count: Callable[[Tally], int] = hash,
        prepare: bool = True,
        witness: Witness | None = None,
    ) -> None:
        """``count`` gives the place where a tally is counted; ``wall`` is seconds since 1970."""
        self.witness: Witness = witness or Nobody()
        self.cache = cache
        self.clients: dict[str, Client] = {}
        self._streaming: dict[str, Client] = {}
        self._count = count
        self._prepare = prepare
        self._prepared = Prepared(cache.max_bytes // _PREPARED_SHARE)
        self._failures = Failures()
        self._generation = 0
        self.replace(terms, index, wall)

    def replace(self, terms: Terms, index: Index, wall: float) -> None:
        """Put another snapshot in force; the cache stays, since it holds no verdicts."""
        self.terms = terms
        self.judge = Judge(terms, index)
        self.views = Views(terms, wall)
        self.zones = Zones(terms)
        self._limits = Limits(terms.settings.queries_per_prefix)
        self._failures.clear()
        self._new_generation()

    def attend(self, witness: Witness) -> None:
        """Tell another witness from now on; what was prepared before is forgotten."""
        self.witness = witness
        self._new_generation()

    def advance(self, wall: float, now: float) -> None:
        """Let time pass: for exemptions by the wall clock, for limits by the monotonic one."""
        self._limits.tell(now)
        if self.views.advance(wall):
            self._new_generation()

    def flush(self, zone: bytes) -> int:
        """Forget the answers for a name and all below it; how many there were."""
        self._failures.clear()
        self._new_generation()
        return self.cache.flush(zone)

    def _new_generation(self) -> None:
        """Forget whatever was made for the policy as it was."""
        self._generation += 1
        self.clients.clear()
        self._streaming.clear()
        self._prepared.clear()

    def answer(self, packet: bytes, source: Source, now: float) -> Reply | Forward | Drop:
        """What becomes of a packet."""
        clients = self._streaming if source.stream else self.clients
        client = clients.get(source.address)
        if client is None:
            client = self._new_client(clients, source)
        query = scan(packet)
        view = client.view
        if query is None or not client.bucket.take():
            return Drop(_tally(view, Outcome.DROPPED, 0, 0))
        if view is None:
            self.witness.refused(source.address)
            return _refuse(query)
        if isinstance(query, Fault):
            return _faulty(query, source, view)
        if self.witness.wants_questions:
            self.witness.asked(view, query)
        shelf = client.shelf
        asked = packet[2:]
        prepared = shelf.answers.get(asked)
        if prepared is not None and now < prepared.until:
            return self._send_again(prepared, packet, now)
        result = self._resolve(query, source, view, now)
        if (
            self._prepare
            # An OPT with options, as of cookies, rarely comes twice the same.
            and (query.edns is None or not query.edns.has_options)
            and self._prepared.came_before(shelf, asked)
            and isinstance(result, Reply)
            and result.steady
            and not self._wanted(result.tally)
        ):
            self._keep(shelf, asked, query, result, now)
        return result

    def _wanted(self, tally: Tally) -> bool:
        witness = self.witness
        return witness.wants_questions or (
            witness.wants_blocks and tally.outcome in (BLOCKED, Outcome.WOULD_BLOCK)
        )

    def _new_client(self, clients: dict[str, Client], source: Source) -> Client:
        view = self.views.of(source.address)
        if len(clients) >= _CLIENTS:
            clients.clear()
        bucket = self._limits.bucket(source.address, view is not None)
        shelf = self._prepared.shelf(view, source.stream)
        client = clients[source.address] = Client(source, view, bucket, shelf)
        return client

    def _keep(self, shelf: Shelf, asked: bytes, query: Query, reply: Reply, now: float) -> None:
        tally = reply.tally._replace(path=Path.PREPARED)
        answer = PreparedAnswer(reply.packet, tally, self._count(tally), reply.kept, now)
        self._prepared.keep(shelf, asked, query.question.lower(), answer)

    def _send_again(self, prepared: PreparedAnswer, packet: bytes, now: float) -> Reply:
        if now >= prepared.ages_at:
            prepared.age(now)
        return Reply(packet[:2] + prepared.tail, prepared.tally)

    def remember(self, key: Key, kept: Entry, now: float) -> Entry:
        """Put what an upstream said into the cache, once for all who wait for it."""
        good = kept.rcode in (codes.NOERROR, codes.NXDOMAIN)
        if not good and self.cache.stale(key, now) is not None:
            return kept._replace(lifetime=0)  # a failure does not push out what was known
        self.cache.put(key, kept)
        return kept

    def conclude(
        self, forward: Forward, result: Entry | Failure, now: float
    ) -> Reply | Forward | Drop:
        """What becomes of a question that an upstream has answered, or has not."""
        asked, key, generation, began, chain = forward
        if generation != self._generation:
            view = self.views.of(asked.source.address)
            if view is None:
                return _refuse(asked.query)
            admitted = self._admit(asked.query, asked.source, view)
            if isinstance(admitted, Reply):
                return admitted
            asked = admitted
            if chain is None and asked.group != key.group:  # others are to be asked now
                return self._resolve(asked.query, asked.source, view, now)
        kept = self._instead(key, result, now)
        if isinstance(kept, Failure):
            return _failed(asked, kept)
        if chain is not None:
            kept = self._joined(asked, chain, kept, key.group, now)
        return self._carry(asked, kept, now, began)

    def give_up(self, forward: Forward) -> Reply:
        """What a client is told whose query has taken too long, though its answer may yet come."""
        asked = forward.asked
        if forward.generation != self._generation:
            view = self.views.of(asked.source.address)
            if view is None:
                return _refuse(asked.query)
            asked = asked._replace(view=view)
        return _failed(asked, _TOO_LONG)

    def _instead(self, key: Key, result: Entry | Failure, now: float) -> Entry | Failure:
        """What has come; where that is a failure, what was known before if anything was."""
        if isinstance(result, Entry) and result.rcode in (codes.NOERROR, codes.NXDOMAIN):
            return result
        old = self.cache.stale(key, now)
        if old is not None:
            failure = result if isinstance(result, Failure) else _UPSTREAM_FAILS
            self._failures.remember(key, failure, now + RECHECK)
            return stale(old, now)
        if isinstance(result, Failure):
            self._failures.remember(key, result, now + MOMENT)
        return result

    def _resolve(self, query: Query, source: Source, view: View, now: float) -> Reply | Forward:
        asked = self._admit(query, source, view)
        if isinstance(asked, Reply):
            return asked
        key = _key(query, query.name, asked.group)
        kept = self._known(key, now)
        if kept is None:
            return self._ask(Forward(asked, key, self._generation, now), now)
        reply = self._carry(asked, kept, now, None)
        if near_its_end(kept, now) and isinstance(reply, Reply) and kept.lifetime:
            return reply._replace(refresh=key, steady=False)
        return reply

    def _admit(self, query: Query, source: Source, view: View) -> Asked | Reply:
        """Answer what needs no upstream's word; else say whose word it needs."""
        group = view.policy.upstream
        found = self.zones.find(query.name)
        if found is not None:
            zone, meaning = found
            if not isinstance(meaning, Forwarded):
                rcode, sections = zones.answer(query, zone, meaning)
                return _say(query, source, view, PASS, rcode, sections)
            group = meaning.group
        verdict = self.judge.check_query(view, query.name)
        if verdict.outcome is BLOCKED:
            return self._block(query, source, view, verdict, Path.CACHE)
        if query.qtype == codes.ANY:
            return _say(query, source, view, verdict, codes.NOERROR, _MINIMAL_ANY)
        return Asked(query, source, view, verdict, group)

    def _carry(self, asked: Asked, kept: Entry, now: float, began: float | None) -> Reply | Forward:
        """Tell what an upstream said, once policy has seen where it leads.

        ``began`` is when the query came, if it has waited for an upstream.
        """
        query, source, view, verdict, _ = asked
        if kept.targets and not verdict.allowed:
            beyond = self.judge.check_answer(view, kept.targets)
            if beyond.outcome is BLOCKED:
                path = Path.CACHE if began is None else Path.UPSTREAM
                return self._block(query, source, view, beyond, path)
            if verdict is PASS:
                verdict = beyond
        if kept.unfinished:
            more = self._go_on(asked, kept, now, now if began is None else began)
            return self._carry(asked, more, now, began) if isinstance(more, Entry) else more
        if verdict.outcome is Outcome.WOULD_BLOCK and self.witness.wants_blocks:
            self.witness.blocked(source.address, view, query, verdict)
        packet = render_entry(query, kept, now, _limit(query.edns, source))
        path = Path.CACHE if began is None else Path.UPSTREAM
        tally = Tally(view.vlan, verdict.outcome, verdict.service, kept.rcode, query.qtype, path)
        return Reply(packet, tally, None, kept, kept.lifetime > 0 and began is None)

    def _go_on(
        self, asked: Asked, kept: Entry, now: float, began: float
    ) -> Entry | Reply | Forward:
        """Follow an alias that the upstream did not, to what is known or whom to ask."""
        target = kept.unfinished
        if kept.links >= MAX_LINKS:
            many = f"more than {MAX_LINKS} aliases, or a circle"
            return _failed(asked, Failure(codes.EDE_OTHER, many))
        query, group = asked.query, asked.view.policy.upstream
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
            return self._joined(asked, kept, known, group, now)
        return self._ask(Forward(asked, key, self._generation, began, kept), now)

    def _joined(self, asked: Asked, aliases: Entry, more: Entry, group: str, now: float) -> Entry:
        """The chain made whole, and kept, so that the next who asks need not join it again.

        It is kept under the question's own group alone: what another group said may be
        another thing to another view.
        """
        key = _key(asked.query, asked.query.name, asked.group)
        known = self.cache.stale(key, now)
        if known is not None and not known.unfinished and now - known.stored < known.lifetime:
            return known
        whole = joined(aliases, more, now)
        if group == asked.group and not whole.unfinished and whole.rcode != codes.SERVFAIL:
            self.cache.put(key, whole)
        return whole

    def _known(self, key: Key, now: float) -> Entry | None:
        """What the cache has: fresh, or stale while the upstream is known to fail."""
        kept = self.cache.get(key, now)
        if kept is None and self._failures.get(key, now) is not None:
            old = self.cache.stale(key, now)
            return None if old is None else stale(old, now)
        return kept

    def _ask(self, forward: Forward, now: float) -> Reply | Forward:
        query, source, view, _, _ = forward.asked
        if not query.flags & codes.RD:
            packet = render.reply(query, codes.REFUSED, render.EMPTY, _limit(query.edns, source))
            return Reply(packet, _tally(view, Outcome.FAILED, codes.REFUSED, query.qtype))
        failure = self._failures.get(forward.key, now)
        return forward if failure is None else _failed(forward.asked, failure)

    def _block(
        self, query: Query, source: Source, view: View, verdict: Verdict, path: Path
    ) -> Reply:
        if self.witness.wants_blocks:
            self.witness.blocked(source.address, view, query, verdict)
        packet = render_blocked(query, view, verdict, self.terms, _limit(query.edns, source))
        rcode = packet[3] & codes.RCODE
        tally = Tally(view.vlan, BLOCKED, verdict.service, rcode, query.qtype, path)
        return Reply(packet, tally, None, None, not verdict.target)


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


def _say(
    query: Query,
    source: Source,
    view: View,
    verdict: Verdict,
    rcode: int,
    sections: render.Sections,
) -> Reply:
    """A reply that this server makes by itself."""
    packet = render.reply(query, rcode, sections, _limit(query.edns, source))
    tally = Tally(view.vlan, verdict.outcome, verdict.service, rcode, query.qtype, Path.CACHE)
    return Reply(packet, tally, steady=True)


def _failed(asked: Asked, failure: Failure) -> Reply:
    query, source, view, _, _ = asked
    errors = (render.extended_error(failure.code, failure.text),)
    limit = _limit(query.edns, source)
    packet = render.reply(query, codes.SERVFAIL, render.EMPTY, limit, errors)
    tally = Tally(view.vlan, Outcome.FAILED, NO_SERVICE, codes.SERVFAIL, query.qtype, Path.UPSTREAM)
    return Reply(packet, tally)


def _refuse(query: Query | Fault) -> Reply:
    """REFUSED, never larger than the query: it may be a forged one."""
    refused = Fault(query.id, query.flags, codes.REFUSED, query.question, query.edns)
    packet = render.fault(refused, render.UDP_SIZE)
    qtype = query.qtype if isinstance(query, Query) else 0
    return Reply(packet, _tally(None, Outcome.REFUSED, codes.REFUSED, qtype))


def _faulty(fault: Fault, source: Source, view: View) -> Reply:
    packet = render.fault(fault, _limit(fault.edns, source))
    return Reply(packet, _tally(view, Outcome.FAILED, fault.rcode, 0))
