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

A query of a form that has been met before takes the same steps in ``short_way``, which leaves
out what its form has answered already; whatever is unusual goes on ``with_care``.

Pure: no socket, no clock; ``now`` is in seconds of a monotonic clock.
"""

from collections.abc import Callable

from resolver.dns import codes
from resolver.dns.query import HEADER, Fault, Query, scan
from resolver.engine import routing
from resolver.engine.answer_cache import Known
from resolver.engine.cache import Cache, Key, near_its_end
from resolver.engine.entry import MAX_LINKS, Entry, joined, local_entry, render_entry
from resolver.engine.exchange import Failure
from resolver.engine.labels import Path, Tally
from resolver.engine.loaded_snapshot import Regime
from resolver.engine.observer import Nobody, Witness
from resolver.engine.prepared import Prepared, Shelf
from resolver.engine.replies import (
    MINIMAL_ANY,
    block,
    failed,
    faulty,
    norecursion,
    refuse,
    say,
    size_limit,
    unheard,
)
from resolver.engine.routing import Forwarded
from resolver.engine.short_way import ShortWay
from resolver.engine.transaction import Asked, AtOnce, Client, Drop, Forward, Reply, Source
from resolver.engine.usual import Form
from resolver.policy.limits import Limits
from resolver.policy.verdict import BLOCKED, PASS, Outcome, Verdict
from resolver.policy.view import View

_TOO_LONG = Failure(codes.EDE_NO_REACHABLE_AUTHORITY, "the aliases took too long to follow")
_CLIENTS = 65536
"""Addresses remembered; when there are more the memory starts anew."""
_FORMS = 256
"""Forms of queries that a shelf remembers; when there are more the memory starts anew."""
_LONGEST_FORM = 4 + 11
"""Octets after a name that a form may have: type, class and a bare OPT."""
_PREPARED_SHARE = 8
"""Prepared answers may take an eighth of what the cache may, besides."""


class Resolver:
    """A snapshot in force and the cache: all that answering needs.

    ``clients`` is the UDP edge's own: from addresses, as they come in packets, to what ``client``
    gave for them. It is emptied here when a generation ends.
    """

    def __init__(
        self,
        regime: Regime,
        cache: Cache,
        count: Callable[[Tally], int] = hash,
        short_ways: bool = True,
        witness: Witness | None = None,
    ) -> None:
        """Put a regime in force.

        ``count`` gives the place where a tally is counted. Without ``short_ways`` every query
        goes with care, which changes nothing but the time it takes.
        """
        self.witness: Witness = witness or Nobody()
        self.cache = cache
        self.clients: dict[bytes, Client] = {}
        self._clients: dict[Source, Client] = {}
        self._count = count
        self._short_ways = short_ways
        self._prepared = Prepared(cache.max_bytes // _PREPARED_SHARE)
        self._known = Known(cache)
        self._generation = 0
        self.replace(regime)

    def replace(self, regime: Regime) -> None:
        """Put another regime in force; the cache stays, since it holds no verdicts."""
        self.terms, self._judge = regime.terms, regime.judge
        self._views, self._zones = regime.views, regime.zones
        self._limits = Limits(self.terms.settings.queries_per_prefix)
        self._known.failures.clear()
        self._new_generation()

    def attend(self, witness: Witness) -> None:
        """Tell another witness from now on; what was prepared before is forgotten."""
        self.witness = witness
        self._new_generation()

    def advance(self, wall: float, now: float) -> None:
        """Let time pass: for exemptions by the wall clock, for limits by the monotonic one."""
        self._limits.tell(now)
        self._prepared.let_go()
        if self._views.advance(wall):
            self._new_generation()

    def flush(self, zone: bytes) -> int:
        """Forget the answers for a name and all below it; how many there were."""
        self._known.failures.clear()
        self._new_generation()
        return self.cache.flush(zone)

    def _new_generation(self) -> None:
        """Forget whatever was made for the policy as it was."""
        self._generation += 1
        self.short_way = ShortWay(
            *(self.terms, self._judge, self._zones, self._known, self._prepared),
            *(self._count, self._generation),
        )
        self.clients.clear()
        self._clients.clear()
        self._prepared.clear()

    def answer(self, packet: bytes, source: Source, now: float) -> Reply | Forward | Drop:
        """What becomes of a packet."""
        client = self.client(source)
        if not client.bucket.take():
            return unheard(client.view)
        prepared = client.shelf.answers.get(packet[2:])
        if prepared is not None and (now < prepared.due or prepared.renew(now)):
            prepared.used = True
            return Reply(packet[:2] + prepared.tail, prepared.counted.tally)
        result = self.short_way.answer(client, packet, now)
        if result is None:
            return self.with_care(client, packet, now)
        if isinstance(result, Forward):
            return result
        reply, counted = result
        return Reply(reply, counted.tally)

    def client(self, source: Source) -> Client:
        """What is known of who asks."""
        client = self._clients.get(source)
        if client is None:
            view = self._views.of(source.address)
            if len(self._clients) >= _CLIENTS:
                self._clients.clear()
            bucket = self._limits.bucket(source.address, view is not None)
            shelf = self._prepared.shelf(view, source.stream)
            client = self._clients[source] = Client(source, view, bucket, shelf)
        return client

    def with_care(self, client: Client, packet: bytes, now: float) -> Reply | Forward | Drop:
        """What becomes of any packet, by every step."""
        query = scan(packet)
        source, view = client.source, client.view
        if query is None:
            return unheard(view)
        if view is None:
            self.witness.refused(source.address)
            return refuse(query)
        if isinstance(query, Fault):
            return faulty(query, source, view)
        if self.witness.wants_questions:
            self.witness.asked(view, query)
        elif self._short_ways and not self.witness.wants_blocks:
            _know_form(client.shelf, packet, query, source)
        asked = self._admit(query, source, view)
        if isinstance(asked, Reply):
            return asked
        return self._answered(asked, now)

    def remember(self, key: Key, kept: Entry, now: float) -> Entry:
        """Put what an upstream said into the cache, once for all who wait for it."""
        return self._known.remember(key, kept, now)

    def conclude(
        self, forward: Forward, result: Entry | Failure, now: float
    ) -> AtOnce | Reply | Forward | Drop:
        """What becomes of a question that an upstream has answered, or has not."""
        asked, key, generation, began, chain = forward
        if (
            asked.form is not None
            and chain is None
            and generation == self._generation
            and isinstance(result, Entry)
        ):
            told = self.short_way.tell(asked.form, asked, result, now)
            if told is not None:
                return told
        if generation != self._generation:
            view = self._views.of(asked.source.address)
            if view is None:
                return refuse(asked.query)
            admitted = self._admit(asked.query, asked.source, view)
            if isinstance(admitted, Reply):
                return admitted
            asked = admitted
            if chain is None and asked.group != key.group:  # others are to be asked now
                return self._answered(asked, now)
        kept = self._known.instead(key, result, now)
        if isinstance(kept, Failure):
            return failed(asked, kept)
        if chain is not None:
            kept = self._known.joined(_key(asked), chain, kept, key.group, now)
        return self._carry(asked, kept, now, began)

    def give_up(self, forward: Forward) -> Reply:
        """What a client is told whose query has taken too long, though its answer may yet come."""
        asked = forward.asked
        if forward.generation != self._generation:
            view = self._views.of(asked.source.address)
            if view is None:
                return refuse(asked.query)
            asked = asked._replace(view=view)
        return failed(asked, _TOO_LONG)

    def _admit(self, query: Query, source: Source, view: View) -> Asked | Reply:
        """Answer what needs no upstream's word; else say whose word it needs."""
        group = view.policy.upstream
        found = self._zones.find(query.name)
        if found is not None:
            zone, meaning = found
            if not isinstance(meaning, Forwarded):
                rcode, sections = routing.answer(query, zone, meaning)
                return say(query, source, view, PASS, rcode, sections)
            group = meaning.group
        verdict = self._judge.check_query(view, query.name)
        if verdict.outcome is BLOCKED:
            return self._block(query, source, view, verdict, Path.CACHE)
        if query.qtype == codes.ANY:
            self._note(source, view, query, verdict)
            return say(query, source, view, verdict, codes.NOERROR, MINIMAL_ANY)
        return Asked(query, source, view, verdict, group)

    def _answered(self, asked: Asked, now: float) -> Reply | Forward:
        """Answer from the cache, or say what to ask."""
        key = _key(asked)
        kept = self._known.get(key, now)
        if kept is None:
            return self._ask_for(Forward(asked, key, self._generation, now), now)
        reply = self._carry(asked, kept, now, None)
        if near_its_end(kept, now) and isinstance(reply, Reply) and kept.lifetime:
            return reply._replace(refresh=key)
        return reply

    def _carry(self, asked: Asked, kept: Entry, now: float, began: float | None) -> Reply | Forward:
        """Tell what an upstream said, once policy has seen where it leads.

        ``began`` is when the query came, if it has waited for an upstream.
        """
        query, source, view, verdict = asked[:4]
        path = Path.CACHE if began is None else Path.UPSTREAM
        if kept.targets and not verdict.allowed:
            beyond = self._judge.check_answer(view, kept.targets)
            if beyond.outcome is BLOCKED:
                return self._block(query, source, view, beyond, path)
            if verdict is PASS:
                verdict = beyond
        if kept.unfinished:
            more = self._go_on(asked, kept, now, now if began is None else began)
            return self._carry(asked, more, now, began) if isinstance(more, Entry) else more
        self._note(source, view, query, verdict)
        packet = render_entry(query, kept, now, size_limit(query.edns, source))
        tally = Tally(view.vlan, verdict.outcome, verdict.service, kept.rcode, query.qtype, path)
        return Reply(packet, tally)

    def _go_on(
        self, asked: Asked, kept: Entry, now: float, began: float
    ) -> Entry | Reply | Forward:
        """Follow an alias that the upstream did not, to what is known or whom to ask."""
        target = kept.unfinished
        if kept.links >= MAX_LINKS:
            many = f"more than {MAX_LINKS} aliases, or a circle"
            return failed(asked, Failure(codes.EDE_OTHER, many))
        query, group = asked.query, asked.view.policy.upstream
        own = _key(asked)
        found = self._zones.find(target)
        if found is not None:
            zone, meaning = found
            if not isinstance(meaning, Forwarded):
                rcode, sections = routing.answer(query._replace(name=target), zone, meaning)
                more = local_entry(target, query.qtype, rcode, sections, now)
                return joined(kept, more, now)
            group = meaning.group
        key = own._replace(name=target, group=group)
        known = self._known.get(key, now)
        if known is not None:
            return self._known.joined(own, kept, known, group, now)
        return self._ask_for(Forward(asked, key, self._generation, began, kept), now)

    def _ask_for(self, forward: Forward, now: float) -> Reply | Forward:
        """Let a question be asked, unless nobody may be asked for it now."""
        if not forward.asked.query.flags & codes.RD:
            return norecursion(forward.asked)
        failure = self._known.failures.get(forward.key, now)
        return forward if failure is None else failed(forward.asked, failure)

    def _block(
        self, query: Query, source: Source, view: View, verdict: Verdict, path: Path
    ) -> Reply:
        if self.witness.wants_blocks:
            self.witness.blocked(source.address, view, query, verdict)
        return block(query, source, view, verdict, self.terms, path)

    def _note(self, source: Source, view: View, query: Query, verdict: Verdict) -> None:
        """Tell the witness of what is answered though it would be blocked."""
        if self.witness.wants_blocks and verdict.outcome is Outcome.WOULD_BLOCK:
            self.witness.blocked(source.address, view, query, verdict)


def _key(asked: Asked) -> Key:
    """What makes this question the same as another's."""
    query = asked.query
    dnssec_ok = query.edns is not None and query.edns.dnssec_ok
    disabled = bool(query.flags & codes.CD)
    return Key(query.name, query.qtype, dnssec_ok, disabled, asked.group)


def _know_form(shelf: Shelf, packet: bytes, query: Query, source: Source) -> None:
    """Let queries of this form be answered at once from now on.

    ANY is asked for rarely. What has more behind its name than a bare OPT, as cookies, rarely
    comes twice the same; and it may be long, which a memory must not be asked to hold.
    """
    end = HEADER + len(query.name)
    if query.qtype == codes.ANY or len(packet) - end > _LONGEST_FORM:
        return
    if len(shelf.forms) >= _FORMS:
        shelf.forms.clear()
    mark = packet[2:HEADER] + packet[end:]
    shelf.forms[mark] = Form(query, size_limit(query.edns, source))
