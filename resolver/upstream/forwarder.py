"""The queries in flight of a worker: begin and end their exchanges, and answer what waits for them.

A question joins a query in flight for the same question; if that query only waits for late answers,
it begins a new round of attempts. There is no task for each query: sockets call back
(``upstream.attempt_sender``), and one timer checks the deadlines of all queries.

What must stay true:
- Every pending reply gets exactly one reply, with the ID and the case of its query.
- The queries in flight are bounded (``exchange.admission``); one more gets SERVFAIL at once. Those
  that make no more attempts are bounded by their late attempts.
- An exception ends its query in flight with SERVFAIL; no reply waits for ever.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping
from math import inf
from typing import Final

from resolver.engine.engine import Engine
from resolver.engine.result import PendingReply, Reply
from resolver.exchange.admission import Admission, Shares
from resolver.exchange.attempt import Attempt
from resolver.exchange.entry import CacheEntry
from resolver.exchange.exchange import Exchange, Step
from resolver.exchange.failure import CROWDED, FAULT, Failure
from resolver.exchange.fallback import GROUP as FALLBACK_GROUP
from resolver.exchange.fallback import MOST_TTL, Fallback
from resolver.exchange.in_flight import QueryInFlight
from resolver.exchange.question import UpstreamQuestion
from resolver.exchange.servers import Group
from resolver.metrics.counters import Counters
from resolver.system.log import log
from resolver.transport.loop import Loop
from resolver.upstream.attempt_sender import AttemptSender, Query

TICK: Final = 0.025
"""Seconds between two checks of the deadlines, at most."""
LEAST_TICK: Final = 0.005
"""Seconds between them, at least: a time-out that is known at a check is noticed this much late at
most, another one a ``TICK`` late."""
_MAX_REFRESHES: Final = 1000
"""With this many queries in flight, entries are no longer refreshed."""


class Forwarder:
    """The queries in flight of a worker."""

    def __init__(
        self,
        loop: Loop,
        engine: Engine,
        counters: Counters,
        deliver: Callable[[PendingReply, Reply], None],
    ) -> None:
        self._loop = loop
        self._engine = engine
        self._counters = counters
        self._deliver = deliver
        self._groups: dict[bytes, Group] = {}
        self._sender = AttemptSender(loop, counters, self._do_steps)
        self._inflight: dict[bytes, Query] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._admission = Admission()
        self._fallback = Fallback()

    @property
    def busy(self) -> bool:
        """Whether any query is in flight."""
        return bool(self._inflight)

    def use(self, groups: Mapping[str, Group]) -> None:
        """Use these servers for new rounds of attempts; those that have begun go on with theirs.

        It is also called when another policy is in force, which may have other VLANs.
        """
        servers = [server for group in groups.values() for server in group.servers]
        for server in servers:
            self._counters.upstream_up(server.name, server.up if server.tried else None)
        self._counters.other_upstreams_down({server.name for server in servers})
        self._groups = {name.encode(): group for name, group in groups.items()}
        self._admission.divide(len(self._engine.compiled.vlans))
        fallback = self._groups.get(FALLBACK_GROUP)
        self._fallback.use(fallback is not None and len(fallback.servers) > 0)

    def ask_anew(self, groups: Collection[bytes]) -> None:
        """Ask these groups anew, also for what is in the cache or in flight.

        Their servers are others, and so may be the answers. The old ones serve as stale.
        """
        now = self._loop.time()
        self._engine.cache.expire(groups, now)
        for query in list(self._inflight.values()):
            question = query.exchange.question
            if question.group in groups and self._inflight.get(question.key) is query:
                self._sender.stop(query)
                query.exchange = Exchange(question)
                self._begin(query, query.exchange.begin(self._group(question), now), now)

    def note_probe(self, is_abroad_silent: bool) -> None:
        """Note whether the supervisor's probe of a name abroad has no answer."""
        self._fallback.note_probe(is_abroad_silent, self._loop.time())

    def forward(self, pending: PendingReply, now: float) -> None:
        """Forward a query, and deliver its reply, now or later."""
        question = pending.question
        cut = self._fallback.domain_of(question) if self._fallback.cut else b""
        if cut:
            question = self._to_fallback(question, cut, now)
        query = self._inflight.get(question.key)
        if query is None or query.exchange.current is None:
            address = pending.client.address
            shares = self._admission.enter(question.name, pending.vlan, address, cut)
            if shares is not None:
                if not self._start(question, shares, pending, now, query):
                    self._conclude(pending, FAULT, now)
                return
        if query is None:
            self._conclude(pending, CROWDED, now)
        else:
            self._wait(query, pending, now)

    def _to_fallback(self, question: UpstreamQuestion, cut: bytes, now: float) -> UpstreamQuestion:
        """The question for the fallback servers; now and then its own group is asked as well."""
        if question.key not in self._inflight and self._fallback.takes_turn(cut, now):
            self._start(question, None, None, now)
        return question.to(FALLBACK_GROUP)

    def _wait(self, query: Query, pending: PendingReply, now: float) -> None:
        """Let a reply wait for a query; another one may find no room any more."""
        crowded_out = query.wait(pending)
        if crowded_out is not None:
            self._conclude(crowded_out, CROWDED, now)

    def _look_at_waiters(self, query: Query, now: float) -> None:
        """Answer the replies whose time is over; the query goes on."""
        stale = self._engine.cache.has_stale(query.exchange.question.entry_key, now)
        for pending in query.take_due(stale, now):
            self._conclude(pending, query.exchange.slow(), now)

    def refresh(self, question: UpstreamQuestion) -> None:
        """Ask a question again for the cache; no reply waits for it."""
        has_room = question.key not in self._inflight and len(self._inflight) < _MAX_REFRESHES
        if has_room and not (self._fallback.cut and self._fallback.domain_of(question)):
            self._start(question, None, None, self._loop.time())

    def sweep(self, now: float) -> None:
        """Close idle sockets, and end probes; the worker calls this periodically."""
        self._sender.sweep(now)

    def _start(
        self, question: UpstreamQuestion, shares: Shares | None, pending: PendingReply | None,
        now: float, query: Query | None = None,
    ) -> bool:  # fmt: skip
        """Begin an exchange, or the next round of a query; False if it cannot begin."""
        group = self._group(question)
        try:
            if query is None:
                query = QueryInFlight(question)
            failures = self._engine.cache.failures
            has_failed = bool(failures.entries) and failures.has_failed(question.entry_key, now)
            step = query.exchange.begin(group, now, has_failed)
        except Exception:
            log.exception("a question could not be asked")
            if shares is not None:
                self._admission.leave(shares)
            return False
        query.shares, query.vlan = shares, -1 if pending is None else pending.vlan
        self._inflight[question.key] = query
        self._set_timer()
        if pending is not None:
            self._wait(query, pending, now)
        self._begin(query, step, now)
        if query.look_at <= now:
            self._look_at_waiters(query, now)
        return True

    def _group(self, question: UpstreamQuestion) -> Group:
        """The group of a question as it is now; without servers if the config has it no more."""
        return self._groups.get(question.group) or Group(question.group.decode(), ())

    def _begin(self, query: Query, step: Step, now: float) -> None:
        """Do the first steps of a round, with the probe that goes beside it."""
        probe, query.exchange.probe = query.exchange.probe, None
        if probe is not None:
            self._sender.send_probe(query, probe, now)
        self._do_steps(query, step, now)

    def _do_steps(self, query: Query, step: Step | None, now: float) -> None:
        """Do the steps of an exchange until it waits or ends."""
        try:
            while isinstance(step, Attempt):
                query.deadline = step.until
                step = self._sender.send(query, step, now)
        except Exception:
            log.exception("a question could not be sent")
            step = FAULT
        if step is not None:
            self._finish(query, step, now)
        elif query.exchange.current is None:
            self._rest(query, now)

    def _rest(self, query: Query, now: float) -> None:
        """Wait for late answers alone, which leaves the shares of the admission to others."""
        query.deadline = inf
        if query.shares is not None:
            self._admission.leave(query.shares)
            query.shares = None
        failure = query.exchange.slow()
        self._fallback.note(query.exchange.question, failure, now)
        self._engine.cache.note_failure(query.exchange, failure, now)
        self._look_at_waiters(query, now)

    def _finish(self, query: Query, result: CacheEntry | Failure, now: float) -> None:
        """End an exchange: store its result in the cache, and answer all waiting replies."""
        question = query.exchange.question
        del self._inflight[question.key]
        if query.shares is not None:
            self._admission.leave(query.shares)
        if query.sent:
            self._sender.stop(query)
        waiters = query.end()
        try:
            if question.group == FALLBACK_GROUP:
                self._keep_fallback(question, result, now)
            else:
                if self._fallback.has_servers:
                    self._fallback.note(question, result, now)
                self._engine.cache.remember(question.key, result, now)
            if isinstance(result, Failure):
                self._engine.cache.note_failure(query.exchange, result, now)
        except Exception:
            log.exception("a response could not be stored")
            result = FAULT
        for pending in waiters:
            self._conclude(pending, result, now)

    def _keep_fallback(
        self, question: UpstreamQuestion, result: CacheEntry | Failure, now: float
    ) -> None:
        """Store an answer of the fallback servers, for a short time."""
        if isinstance(result, CacheEntry) and result.answers:
            result.live_at_most(MOST_TTL)
            self._counters.fallback_answered()
            self._engine.cache.remember_fallback(question.entry_key, result, now)

    def _conclude(self, pending: PendingReply, result: CacheEntry | Failure, now: float) -> None:
        """Answer one waiting reply; an exception does not stop the others."""
        try:
            reply = self._engine.conclude(pending, result, now)
            if isinstance(reply, PendingReply):  # an alias leads on
                self.forward(reply, now)
            else:
                self._deliver(pending, reply)
        except Exception:
            log.exception("a reply could not be made after its exchange")
            try:
                self._deliver(pending, self._engine.give_up(pending, FAULT))
            except Exception:
                log.exception("a client could not be answered after an exception")

    def _look_at_deadlines(self) -> None:
        """End the time of attempts past their deadline; set the timer again in any case."""
        self._timer = None
        now = self._loop.time()
        try:
            queries = self._inflight.values()
            for query in [q for q in queries if q.deadline <= now or q.look_at <= now]:
                if query.deadline <= now:
                    self._sender.time_out(query, now)
                if query.look_at <= now:
                    self._look_at_waiters(query, now)
            self._sender.drop_late(now)
        finally:
            if self._inflight:
                coming = min([q.deadline for q in queries if q.deadline > now], default=inf)
                self._set_timer(min(max(coming - now, LEAST_TICK), TICK))

    def _set_timer(self, after: float = TICK) -> None:
        """Look at the deadlines after so many seconds, if that is not planned, as by a new query.

        It is a method of its own: compiled, a function that has set ``_timer`` to None takes it
        for None to its end, whatever it has called meanwhile.
        """
        if self._timer is None:
            self._timer = self._loop.call_later(after, self._look_at_deadlines)
