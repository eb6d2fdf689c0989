"""The driver of exchanges: sends what they decide, and reports to them what comes back.

A question that is asked again while it is on its way joins the query in flight. No task is
made for a query: sockets call back, and one timer looks for attempts whose time is over.

What must stay true:
- Every pending reply gets exactly one reply, under its own ID and case.
- What is on its way is bounded (``engine.admission``); beyond that SERVFAIL at once.
- A fault of ours ends the query in flight that shows it, as SERVFAIL; none waits for ever.
"""

import asyncio
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Final, cast

from resolver.dns import codes
from resolver.engine.admission import WAITERS, Admission, Shares
from resolver.engine.engine import Engine
from resolver.engine.entry import CacheEntry
from resolver.engine.exchange import PATIENCE, Attempt, Failure, Step
from resolver.engine.question import UpstreamQuestion
from resolver.engine.result import PendingReply, Reply
from resolver.engine.servers import Group, Server
from resolver.metrics.counters import Counters
from resolver.metrics.log import log
from resolver.server.loop import Loop
from resolver.upstream.inflight import InflightQuery, UpstreamAttempt
from resolver.upstream.tcp_connections import TcpConnection, TcpConnectionPool
from resolver.upstream.udp_sockets import UdpSocket, UdpSocketPool

TICK: Final = 0.025
"""Seconds between two looks for attempts whose time is over: it is noticed so much late."""
_CROWDED: Final = Failure(codes.EDE_NETWORK_ERROR, "too many questions are on their way")
_FAULT: Final = Failure(codes.EDE_OTHER, "a fault of the resolver itself")
_MAX_REFRESHES: Final = 1000

Udp = UdpSocket[UpstreamAttempt]
Tcp = TcpConnection[UpstreamAttempt]


class Forwarder:
    """All questions of one worker that are on their way."""

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
        self._udp = UdpSocketPool[UpstreamAttempt](
            loop, self._received, self._udp_refused, self._unsent
        )
        self._tcp: dict[Server, TcpConnectionPool[UpstreamAttempt]] = {}
        self._inflight: dict[bytes, InflightQuery] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._admission = Admission()

    @property
    def busy(self) -> bool:
        """Whether anything is being asked."""
        return bool(self._inflight)

    def use(self, groups: Mapping[str, Group]) -> None:
        """Ask these servers from now on; what is on its way goes on as it began."""
        for group in groups.values():
            for server in group.servers:
                self._counters.upstream_up(server.name, server.up if server.tried else None)
        self._groups = {name.encode(): group for name, group in groups.items()}

    def forward(self, pending: PendingReply, now: float) -> None:
        """Ask an upstream, and deliver the reply, now or later."""
        question = pending.question
        query = self._inflight.get(question.key)
        if query is None:
            shares = self._admission.enter(question.name, pending.client.address)
            if shares is None:
                self._conclude(pending, _CROWDED, now)
                return
            query = self._start(question, shares, now)
            if query is None:
                self._conclude(pending, _FAULT, now)
                return
            self._wait(query, pending, now)
            self._begin(query, now)
        elif len(query.waiters) < WAITERS:
            self._wait(query, pending, now)
        else:
            self._conclude(pending, _CROWDED, now)

    def _wait(self, query: InflightQuery, pending: PendingReply, now: float) -> None:
        """Await a query's end; for a later link of a chain only as long as a client may wait.

        The query itself has its full time: others wait for it, and the cache does.
        """
        query.waiters.append(pending)
        if pending.chain is not None:
            end = max(pending.received + PATIENCE, now)
            self._loop.call_at(end, self._give_up, query, pending)

    def _give_up(self, query: InflightQuery, pending: PendingReply) -> None:
        if pending in query.waiters:
            query.waiters.remove(pending)
            self._deliver(pending, self._engine.give_up(pending))

    def refresh(self, question: UpstreamQuestion) -> None:
        """Ask a question anew for the cache, though nobody waits for it."""
        if question.key not in self._inflight and len(self._inflight) < _MAX_REFRESHES:
            now = self._loop.time()
            query = self._start(question, None, now)
            if query is not None:
                self._begin(query, now)

    def sweep(self, now: float) -> None:
        """Close what has idled; called from time to time."""
        self._udp.sweep(now)

    def _start(
        self, question: UpstreamQuestion, shares: Shares | None, now: float
    ) -> InflightQuery | None:
        group = self._groups.get(question.group) or Group(question.group.decode(), ())
        try:
            query = InflightQuery(question, group, now, shares)
        except Exception:
            log.exception("a question could not be asked")
            if shares is not None:
                self._admission.leave(shares)
            return None
        self._inflight[question.key] = query
        if self._timer is None:
            self._timer = self._loop.call_later(TICK, self._look_at_deadlines)
        return query

    def _begin(self, query: InflightQuery, now: float) -> None:
        try:
            step: Step = query.begin(now)
        except Exception:
            log.exception("a question could not be asked")
            step = _FAULT
        self._go_on(query, step, now)

    def _go_on(self, query: InflightQuery, step: Step | None, now: float) -> None:
        """Do what the exchange has decided, until something has to be waited for."""
        try:
            while isinstance(step, Attempt):
                step = self._send(query, cast("UpstreamAttempt", step), now)
        except Exception:
            log.exception("a question could not be sent")
            step = _FAULT
        if step is not None:
            self._finish(query, step, now)

    def _send(self, query: InflightQuery, attempt: UpstreamAttempt, now: float) -> Step | None:
        """Send an attempt: None if it was sent, else what the exchange says to that."""
        server = attempt.server
        try:
            if not attempt.stream:
                attempt.on, attempt.ident = self._udp.send(
                    server, attempt.message, attempt, now, attempt.own_socket
                )
            else:
                place = self._connections_to(server).send(attempt.message, attempt)
                if place is None:
                    return query.crowded(now)
                attempt.on, attempt.ident = place
        except OSError:
            self._counters.upstream(server.name, "unreachable")
            step = query.unreachable(attempt, now)
            if step is not None:
                return step
            attempt.refused = True
        attempt.before = query.last
        query.last = attempt
        query.deadline = attempt.until
        return None

    def _finish(self, query: InflightQuery, result: CacheEntry | Failure, now: float) -> None:
        """End an exchange: remember its result, and answer all who wait."""
        question = query.question
        del self._inflight[question.key]
        if query.shares is not None:
            self._admission.leave(query.shares)
        attempt = query.last
        query.clear()
        while attempt is not None:
            if attempt.on is not None:
                self._leave(attempt)
            attempt = attempt.before
        if isinstance(result, CacheEntry):
            try:
                result = self._engine.cache.remember(question.key, result)
            except Exception:
                log.exception("a response could not be kept")
                result = _FAULT
        waiters, query.waiters = query.waiters, []
        for pending in waiters:
            self._conclude(pending, result, now)

    def _conclude(self, pending: PendingReply, result: CacheEntry | Failure, now: float) -> None:
        """Answer one who waits; whatever is wrong with that, the others are answered as well."""
        try:
            reply = self._engine.conclude(pending, result, now)
            if isinstance(reply, PendingReply):  # an alias leads on
                self.forward(reply, now)
            else:
                self._deliver(pending, reply)
        except Exception:
            log.exception("a question could not be concluded")
            self._fail(pending)

    def _fail(self, pending: PendingReply) -> None:
        try:
            self._deliver(pending, self._engine.give_up(pending))
        except Exception:
            log.exception("a client could not be answered after a fault")

    def _leave(self, attempt: UpstreamAttempt) -> None:
        """Await the answer to an attempt no longer."""
        on, attempt.on = attempt.on, None
        if isinstance(on, UdpSocket):
            self._udp.take_from(on, attempt.ident)
        elif on is not None:
            on.leave(attempt.ident)

    def _connections_to(self, server: Server) -> TcpConnectionPool[UpstreamAttempt]:
        pool = self._tcp.get(server)
        if pool is None:
            pool = TcpConnectionPool(self._loop, server, self._tcp_received, self._tcp_lost)
            self._tcp[server] = pool
        return pool

    def _received(self, at: Udp, ident: int, packet: bytes, now: float) -> None:
        attempt = self._udp.take_from(at, ident)
        if attempt is not None:
            attempt.on = None
            self._judge(attempt, ident, packet, now)
        elif ident not in at.waiting:
            # Possible spoofing: whoever waits on this port asks again over TCP.
            for each in _awaited(at, at.all_waiting()):
                self._suspect(each)

    def _tcp_received(self, at: Tcp, ident: int, packet: bytes) -> None:
        attempt = at.waiting.get(ident)
        if attempt is not None:
            self._leave(attempt)
            self._judge(attempt, ident, packet, self._loop.time())

    def _judge(self, attempt: UpstreamAttempt, ident: int, packet: bytes, now: float) -> None:
        """Let the exchange judge a packet that has come for an attempt."""
        query = attempt.inflight
        step: Step | None
        try:
            step = query.received(attempt, packet, ident, now)
        except Exception:
            log.exception("a response could not be judged")
            step = _FAULT
        name = attempt.server.name
        if isinstance(step, CacheEntry):
            self._counters.answered(name, now - attempt.began)
            self._finish(query, step, now)
            return
        to_tcp = isinstance(step, Attempt) and step.stream > attempt.stream
        self._counters.upstream(name, "truncated" if to_tcp else "failed")
        self._go_on(query, step, now)

    def _suspect(self, attempt: UpstreamAttempt) -> None:
        now = self._loop.time()
        self._leave(attempt)
        self._counters.upstream(attempt.server.name, "mismatch")
        self._decide(attempt, attempt.inflight.suspected, now)

    def _unsent(self, at: Udp, ident: int) -> None:
        attempt = at.waiting.get(ident)  # None if its exchange has ended before it could be sent
        if attempt is not None:
            self._unreachable(attempt)

    def _udp_refused(self, at: Udp) -> None:
        for attempt in _awaited(at, at.all_waiting()):
            self._unreachable(attempt)

    def _tcp_lost(self, at: Tcp) -> None:
        for attempt in _awaited(at, list(at.waiting.values())):
            self._unreachable(attempt)

    def _unreachable(self, attempt: UpstreamAttempt) -> None:
        server = attempt.server
        self._leave(attempt)
        attempt.refused = True
        self._counters.upstream(server.name, "unreachable")
        self._decide(attempt, attempt.inflight.unreachable, self._loop.time())
        self._counters.upstream_up(server.name, server.up)

    def _look_at_deadlines(self) -> None:
        """End the attempts whose time is over; the timer is set again whatever happens."""
        self._timer = None
        now = self._loop.time()
        try:
            for query in [each for each in self._inflight.values() if each.deadline <= now]:
                attempt = query.last
                if attempt is not None and query.deadline <= now:
                    self._time_out(attempt, now)
        finally:
            if self._inflight and self._timer is None:  # an end may have led to a new query
                self._timer = self._loop.call_later(TICK, self._look_at_deadlines)

    def _time_out(self, attempt: UpstreamAttempt, now: float) -> None:
        """End the time of an attempt; over UDP it is listened to until the exchange ends."""
        query, server = attempt.inflight, attempt.server
        query.deadline = math.inf
        if attempt.refused:  # which has been counted already
            self._decide(attempt, query.waited, now)
            return
        if attempt.stream:
            self._leave(attempt)
        self._counters.upstream(server.name, "timeout")
        self._decide(attempt, query.expired, now)
        self._counters.upstream_up(server.name, server.up)

    def _decide(
        self, attempt: UpstreamAttempt, decide: Callable[[Attempt, float], Step | None], now: float
    ) -> None:
        """Do what an exchange decides about an attempt, whatever is wrong with it."""
        step: Step | None
        try:
            step = decide(attempt, now)
        except Exception:
            log.exception("an exchange could not go on")
            step = _FAULT
        self._go_on(attempt.inflight, step, now)


def _awaited(at: Udp | Tcp, attempts: list[UpstreamAttempt]) -> Iterator[UpstreamAttempt]:
    """Those that still wait there: what is done about one may end another's waiting."""
    for attempt in attempts:
        if attempt.on is at:
            yield attempt
