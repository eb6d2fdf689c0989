"""Answer one packet: the one path that every query takes, over every transport.

The order, and the reason for each step:

1. limit: a client that asks beyond its rate gets no reply, before anything is spent on it.
2. scan: what cannot be read needs no policy, and what is no query gets no reply.
3. who asks: a client in no VLAN is refused before it can learn or cost anything.
4. local records and special-use names: they are the agency's own or mean this host, so no
   policy is asked; a forwarded zone only chooses which upstream group is asked later.
5. policy on the question: before the cache, so that a blocked name costs no look-up and
   its counting does not depend on what others asked.
6. cache: it holds what upstreams said, unfiltered, so the answer's targets are judged
   for this client now, whoever asked first.
7. forward: all that is left. When the answer has come, ``conclude`` goes on at step 6 with it;
   where the policy has changed meanwhile, at step 4, so that a reload leaves no stale verdict.
   An alias that the upstream did not follow is followed here, through its target's own zone.

What must stay true:
- Every exit that tells what an upstream said goes through ``_reply_with``, and every blocked
  answer through ``_block``.
- Reply templates are kept in the query shapes of a view, and are dropped with the generation
  that made them: a generation ends with a reload, a flush, or the end of an exemption.

Pure: no socket, no clock; ``now`` is in seconds of a monotonic clock.
"""

from collections.abc import Callable
from typing import Final, cast

from resolver.dns import codes, render
from resolver.dns.query import Query, Shapes, scan
from resolver.dns.render import NO_ERRORS, Counts, QueryShape, ReplyTemplate, Sections
from resolver.engine.blocked import BlockedTemplate
from resolver.engine.cache import AnswerCache
from resolver.engine.chain import joined, local_entry
from resolver.engine.client import Client
from resolver.engine.entry import AD_KIND, MAX_LINKS, CacheEntry
from resolver.engine.exchange import Failure
from resolver.engine.labels import LabelledCounter, QueryLabels
from resolver.engine.loaded_snapshot import LoadedSnapshot
from resolver.engine.observer import NullObserver, Observer
from resolver.engine.question import UpstreamQuestion, cache_key
from resolver.engine.result import Drop, PendingReply, Reply
from resolver.engine.routing import Zone, local_answer
from resolver.policy.limits import Limits
from resolver.policy.verdict import BLOCKED, NO_SERVICE, PASS, PASSED, Outcome, Verdict
from resolver.policy.view import View

UNKNOWN_VLAN: Final = -1
"""The VLAN of a client that no VLAN holds, in labels."""
_TOO_LONG: Final = Failure(codes.EDE_NO_REACHABLE_AUTHORITY, "the aliases took too long to follow")
_TOO_MANY: Final = Failure(codes.EDE_OTHER, f"more than {MAX_LINKS} aliases, or a circle")
_MINIMAL_ANY: Final = Sections(
    render.record(render.QNAME_POINTER, codes.HINFO, 3600, b"\x07RFC8482\x00"), 1
)
"""The answer to ANY (RFC 8482 section 4.2)."""
_CLIENTS: Final = 65536
"""Clients remembered over each transport; when there are more, all are forgotten."""
_TEMPLATES: Final = 128
"""Reply templates kept in a shape; an upstream's section counts make ever new ones."""
_KIND_BITS: Final = 35
"""The bits of ``CacheEntry.kind``; above them a template's key has the verdict's kind."""
_BLOCKED_KEY: Final = 1 << 60
"""A bit that no entry's template has in its key."""


class CountedTemplate(ReplyTemplate):
    """A reply template, and where its replies are counted."""

    __slots__ = ("counter",)

    def __init__(
        self,
        shape: QueryShape,
        flags: int,
        counts: Counts,
        errors: tuple[bytes, ...],
        rcode: int,
        counter: LabelledCounter,
    ) -> None:
        super().__init__(shape, flags, counts, errors, rcode)
        self.counter = counter


class Engine:
    """A snapshot in force and the answer cache: all that answering needs."""

    def __init__(
        self,
        snapshot: LoadedSnapshot,
        cache: AnswerCache,
        count: Callable[[QueryLabels], int] = hash,
        observer: Observer | None = None,
    ) -> None:
        """``count`` gives the index of the counter for some labels."""
        self.cache = cache
        self._count = count
        self._generation = 0
        self._clients: dict[bytes, Client] = {}
        self._stream_clients: dict[bytes, Client] = {}
        self._shapes: dict[tuple[View | None, bool], Shapes] = {}
        self._drops: dict[int, Drop] = {}
        self.observe(observer or NullObserver())
        self.replace(snapshot)

    def replace(self, snapshot: LoadedSnapshot) -> None:
        """Put another snapshot in force; the cache stays, since it holds no verdicts."""
        self.terms = snapshot.terms
        self._judge = snapshot.judge
        self._views = snapshot.views
        self._routing = snapshot.routing
        self._limits = Limits(self.terms.settings.queries_per_prefix)
        self.cache.failures.clear()
        self.observe(self.observer)
        self._new_generation()

    def observe(self, observer: Observer) -> None:
        """Let an observer see what it wants from now on."""
        self.observer = observer
        self._wants_questions = observer.wants_questions
        self._wants_verdicts = observer.wants_verdicts

    def advance(self, wall: float, now: float) -> None:
        """Let time pass: for exemptions by the wall clock, for limits by the monotonic one."""
        self._limits.set_time(now)
        if self._views.advance(wall):
            self._new_generation()

    def flush(self, zone: bytes) -> int:
        """Forget the answers for a name and all below it; how many there were."""
        self._new_generation()
        return self.cache.flush(zone)

    def _new_generation(self) -> None:
        """Forget whatever was made for the policy as it was."""
        self._generation += 1
        self._clients.clear()
        self._stream_clients.clear()
        self._shapes.clear()
        self._drops.clear()

    def client(self, address: bytes, stream: bool) -> Client:
        """What is known of an address (4 or 16 octets) over a transport."""
        clients = self._stream_clients if stream else self._clients
        client = clients.get(address)
        if client is None:
            if len(clients) >= _CLIENTS:
                clients.clear()
            client = clients[address] = self._new_client(address, stream)
        return client

    def _new_client(self, address: bytes, stream: bool) -> Client:
        view = self._views.of(address)
        bucket = self._limits.bucket(address, view is not None)
        shapes = self._shapes.setdefault((view, stream), {})
        return Client(address, stream, view, bucket, shapes)

    def answer(self, client: Client, packet: bytes, now: float) -> Reply | PendingReply | Drop:
        """Answer one packet."""
        view = client.view
        if not client.bucket.take():
            return self.dropped(view)
        query = scan(packet, client.shapes, client.stream)
        if query is None:
            return self.dropped(view)
        if view is None:
            self.observer.refused(client.address)
            return self._refuse(query)
        if query.shape.rcode != codes.NOERROR:
            return self._refuse_malformed(view, query)
        if self._wants_questions:
            self.observer.asked(client, query)
        return self.respond(client, view, query, now)

    def respond(self, client: Client, view: View, query: Query, now: float) -> Reply | PendingReply:
        """Answer a question that can be answered, from a client of a VLAN."""
        name, shape, group = query.name, query.shape, view.group
        zone, verdict = self.check_question(view, name)
        if zone is not None:
            if zone.group is None:
                return self._answer_locally(view, query, zone)
            group = zone.group
        if verdict.outcome is BLOCKED:
            return self._block(client, view, query, verdict)
        if shape.qtype == codes.ANY:
            self._observe_verdict(client, query, verdict)
            return self._own_reply(view, query, verdict, codes.NOERROR, _MINIMAL_ANY)
        entry = self.cache.get(cache_key(name, shape, group), now)
        if entry is None or entry.unfinished:
            own = UpstreamQuestion(name, shape, group)
            pending = PendingReply(client, query, verdict, own, self._generation, now)
            if entry is None:
                return self._ask(pending, view, now)
            result = self._follow(pending, view, entry, now)
        else:
            verdict = self._judge_targets(view, verdict, entry)
            result = self._reply_with(client, view, query, verdict, entry, now)
        if entry.refresh_after <= now < entry.expires and isinstance(result, Reply):
            result.refresh = UpstreamQuestion(name, shape, group)
        return result

    def check_question(self, view: View, name: bytes) -> tuple[Zone | None, Verdict]:
        """The zone that routes a name, and the verdict; a name that is answered here passes."""
        zone = self._routing.find(name)
        if zone is not None and zone.group is None:
            return zone, PASS
        return zone, self._judge.check_query(view, name)

    def conclude(
        self, pending: PendingReply, result: CacheEntry | Failure, now: float
    ) -> Reply | PendingReply:
        """Answer a query whose question an upstream has answered, or has not."""
        found = self.cache.serve_stale(pending.question, result, now)
        if pending.generation != self._generation:
            return self._respond_anew(pending, now)
        client, query = pending.client, pending.query
        view = cast("View", client.view)
        if isinstance(found, Failure):
            return self._fail(view, query, found)
        if pending.chain is not None:
            group = pending.question.group
            found = self.cache.join(pending.own, pending.chain, found, group, now)
        if found.unfinished:
            return self._follow(pending, view, found, now)
        verdict = self._judge_targets(view, pending.verdict, found)
        return self._reply_with(client, view, query, verdict, found, now)

    def give_up(self, pending: PendingReply) -> Reply:
        """Answer a query that has taken too long, though its answer may yet come."""
        return self._fail(self._current_view(pending), _fresh(pending.query), _TOO_LONG)

    def _current_view(self, pending: PendingReply) -> View | None:
        return self._views.of(pending.client.address)

    def _respond_anew(self, pending: PendingReply, now: float) -> Reply | PendingReply:
        """Answer under the policy of now a query that was asked under another."""
        client = self.client(pending.client.address, pending.client.stream)
        query = _fresh(pending.query)
        if client.view is None:
            return self._refuse(query)
        result = self.respond(client, client.view, query, now)
        if isinstance(result, PendingReply):
            result.received, result.sender, result.to = (
                *(pending.received, pending.sender, pending.to),
            )
        return result

    def _judge_targets(self, view: View, verdict: Verdict, entry: CacheEntry) -> Verdict:
        """The verdict for an answer, once policy has seen where it leads."""
        if not entry.targets or verdict.allowed:
            return verdict
        beyond = self._judge.check_answer(view, entry.targets)
        return beyond if beyond.outcome is BLOCKED or verdict is PASS else verdict

    def _reply_with(
        self, client: Client, view: View, query: Query, verdict: Verdict, entry: CacheEntry,
        now: float,
    ) -> Reply:  # fmt: skip
        """Reply with an entry, or with the blocked answer if its targets have led to that."""
        if verdict.outcome is BLOCKED:
            return self._block(client, view, query, verdict)
        self._observe_verdict(client, query, verdict)
        shape = query.shape
        kind = entry.kind if shape.wants_ad else entry.kind & ~AD_KIND
        key = kind | verdict.kind << _KIND_BITS
        found = None if entry.errors else shape.templates.get(key)
        if found is None:
            found = self._entry_template(view, shape, verdict, entry, kind)
            if not entry.errors:
                _keep(shape, key, found)
        template = cast("CountedTemplate", found)
        packet = template.render(query.ident, query.question, entry.aged(now))
        return Reply(packet, template.counter)

    def _entry_template(
        self, view: View, shape: QueryShape, verdict: Verdict, entry: CacheEntry, kind: int
    ) -> CountedTemplate:
        rcode = entry.rcode
        flags = shape.reply_flags | rcode | (codes.AD if kind & AD_KIND else 0)
        counter = self._counter(view, verdict.outcome, verdict.service, rcode, shape.qtype)
        return CountedTemplate(shape, flags, entry.counts, entry.errors, 0, counter)

    def _block(self, client: Client, view: View, query: Query, verdict: Verdict) -> Reply:
        """The blocked answer, as the view's policy has it."""
        self._observe_verdict(client, query, verdict)
        shape = query.shape
        key = _BLOCKED_KEY | verdict.kind << 1 | verdict.all_below
        found = shape.templates.get(key)
        if found is None:
            made = BlockedTemplate(shape, view.policy, verdict, self.terms)
            made.counter = self._counter(view, BLOCKED, verdict.service, made.rcode, shape.qtype)
            found = _keep(shape, key, made)
        template = cast("BlockedTemplate", found)
        return Reply(template.reply(query, verdict), template.counter)

    def _follow(
        self, pending: PendingReply, view: View, entry: CacheEntry, now: float
    ) -> Reply | PendingReply:
        """Follow the aliases that the upstream did not, to what is known or must be asked."""
        while True:
            verdict = self._judge_targets(view, pending.verdict, entry)
            if verdict.outcome is BLOCKED or not entry.unfinished:
                return self._reply_with(pending.client, view, pending.query, verdict, entry, now)
            if entry.links >= MAX_LINKS:
                return self._fail(view, pending.query, _TOO_MANY)
            whole = self._follow_alias(pending, view, entry, now)
            if whole is None:
                return self._ask(pending, view, now)
            entry = whole

    def _follow_alias(
        self, pending: PendingReply, view: View, entry: CacheEntry, now: float
    ) -> CacheEntry | None:
        """Join what is known of an alias's target; None where that has to be asked."""
        own, target, shape = pending.own, entry.unfinished, pending.query.shape
        group = view.group
        zone = self._routing.find(target)
        if zone is not None:
            if zone.group is None:
                rcode, sections = local_answer(zone, target, own.qtype)
                rest = local_entry(target, own.qtype, rcode, sections, now)
                return joined(own.name, own.qtype, entry, rest, now)
            group = zone.group
        question = UpstreamQuestion(target, shape, group)
        known = self.cache.get(question.key, now)
        if known is not None:
            return self.cache.join(own, entry, known, group, now)
        pending.question, pending.chain = question, entry
        return None

    def _ask(self, pending: PendingReply, view: View, now: float) -> Reply | PendingReply:
        """Have a question asked, unless nobody may be asked for it now."""
        query = pending.query
        if not query.shape.flags & codes.RD:
            return self._reply(view, query, Outcome.FAILED, codes.REFUSED)
        failure = self.cache.failures.get(pending.question.key, now)
        return pending if failure is None else self._fail(view, query, failure)

    def _answer_locally(self, view: View, query: Query, zone: Zone) -> Reply:
        rcode, sections = local_answer(zone, query.name, query.shape.qtype)
        return self._own_reply(view, query, PASS, rcode, sections)

    def _own_reply(
        self, view: View, query: Query, verdict: Verdict, rcode: int, sections: Sections
    ) -> Reply:
        """A reply with records that this server has by itself."""
        shape = query.shape
        counter = self._counter(view, verdict.outcome, verdict.service, rcode, shape.qtype)
        counts = (sections.answers, sections.authorities, 0)
        template = ReplyTemplate(shape, shape.reply_flags | rcode, counts)
        records = sections.answer + sections.authority
        return Reply(template.render(query.ident, query.question, records), counter)

    def _fail(self, view: View | None, query: Query, failure: Failure) -> Reply:
        """SERVFAIL, with the Extended DNS Error that says why."""
        if view is None:
            return self._refuse(query)
        error = render.extended_error(failure.code, failure.text)
        return self._reply(view, query, Outcome.FAILED, codes.SERVFAIL, (error,))

    def _refuse(self, query: Query) -> Reply:
        """REFUSED to a client of no VLAN; no larger than its query, which may be forged."""
        return self._reply(None, query, Outcome.REFUSED, codes.REFUSED)

    def _refuse_malformed(self, view: View, query: Query) -> Reply:
        """The rcode that a malformed query, or one for what is not served, deserves."""
        return self._reply(view, query, Outcome.FAILED, query.shape.rcode)

    def _reply(
        self,
        view: View | None,
        query: Query,
        outcome: Outcome,
        rcode: int,
        errors: tuple[bytes, ...] = NO_ERRORS,
    ) -> Reply:
        """A reply without records."""
        shape = query.shape
        qtype = shape.qtype if shape.rcode == codes.NOERROR else 0
        counter = self._counter(view, outcome, NO_SERVICE, rcode, qtype)
        flags = shape.reply_flags | rcode & codes.RCODE
        template = ReplyTemplate(shape, flags, (0, 0, 0), errors, rcode)
        return Reply(template.render(query.ident, query.question, b""), counter)

    def dropped(self, view: View | None) -> Drop:
        """No reply to a packet, counted by its VLAN."""
        vlan = UNKNOWN_VLAN if view is None else view.vlan
        drop = self._drops.get(vlan)
        if drop is None:
            counter = self._counter(view, Outcome.DROPPED, NO_SERVICE, 0, 0)
            drop = self._drops[vlan] = Drop(counter)
        return drop

    def _counter(
        self, view: View | None, outcome: Outcome, service: int, rcode: int, qtype: int
    ) -> LabelledCounter:
        vlan = UNKNOWN_VLAN if view is None else view.vlan
        labels = QueryLabels(vlan, outcome, service, rcode, qtype)
        return LabelledCounter(labels, self._count(labels))

    def _observe_verdict(self, client: Client, query: Query, verdict: Verdict) -> None:
        if self._wants_verdicts and verdict.outcome is not PASSED:
            self.observer.decided(client, query, verdict)


def _keep(shape: QueryShape, key: int, template: ReplyTemplate) -> ReplyTemplate:
    """Keep a template in its shape."""
    if len(shape.templates) >= _TEMPLATES:
        shape.templates.clear()
    shape.templates[key] = template
    return template


def _fresh(query: Query) -> Query:
    """The same query without the reply templates of an earlier generation."""
    return Query(query.ident, query.name, query.question, query.shape.copy())
