"""Drive the exchanges: send their attempts, and report packets and time-outs to them.

A question joins a query in flight for the same question; if that query only waits for late answers,
it begins a new round of attempts. There is no task for each query: sockets call back, and one timer
checks the deadlines of all queries.

What must stay true:
- Every pending reply gets exactly one reply, with the ID and the case of its query.
- The queries in flight are bounded (``exchange.admission``); one more gets SERVFAIL at once. Those
  that make no more attempts are bounded by their late attempts (``upstream.late_attempts``).
- An exception ends its query in flight with SERVFAIL; no reply waits for ever.
"""

import asyncio
from collections.abc import Callable, Mapping
from math import inf
from typing import Final, cast

from resolver.engine.engine import Engine
from resolver.engine.result import PendingReply, Reply
from resolver.exchange.admission import Admission, Shares
from resolver.exchange.attempt import Attempt
from resolver.exchange.entry import CacheEntry
from resolver.exchange.exchange import Step
from resolver.exchange.failure import CROWDED, FAULT, Failure
from resolver.exchange.question import UpstreamQuestion
from resolver.exchange.servers import Group
from resolver.log import log
from resolver.metrics.counters import Counters
from resolver.server.loop import Loop
from resolver.upstream.inflight import (
    InflightQuery,
    Tcp,
    Udp,
    UpstreamAttempt,
    still_waiting,
    vlan_of,
)
from resolver.upstream.late_attempts import LateAttempts
from resolver.upstream.tcp_connections import TcpConnection, TcpConnections
from resolver.upstream.udp_sockets import UdpSocket, UdpSocketPool

TICK: Final = 0.025
"""Seconds between two checks of the deadlines, at most."""
LEAST_TICK: Final = 0.005
"""Seconds between them, at least: a time-out that is known at a check is noticed this much late at
most, another one a ``TICK`` late."""
_MAX_REFRESHES: Final = 1000
"""With this many queries in flight, entries are no longer refreshed."""

Decide = Callable[[Attempt, float], Step | None]  # a method of an exchange


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
        self._udp = UdpSocketPool[UpstreamAttempt](
            loop, self._received, self._udp_refused, self._unsent
        )
        self._tcp = TcpConnections[UpstreamAttempt](loop, self._tcp_received, self._tcp_lost)
        self._inflight: dict[bytes, InflightQuery] = {}
        self._late = LateAttempts()
        self._timer: asyncio.TimerHandle | None = None
        self._admission = Admission()

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
        self._admission.divide(len(self._engine.terms.vlans))

    def forward(self, pending: PendingReply, now: float) -> None:
        """Forward a query, and deliver its reply, now or later."""
        question = pending.question
        query = self._inflight.get(question.key)
        if query is None or query.is_over:
            address = pending.client.address
            shares = self._admission.enter(question.name, vlan_of(pending), address)
            if shares is not None:
                if not self._start(question, shares, pending, now, query):
                    self._conclude(pending, FAULT, now)
                return
        if query is None:
            self._conclude(pending, CROWDED, now)
        else:
            self._wait(query, pending, now)

    def _wait(self, query: InflightQuery, pending: PendingReply, now: float) -> None:
        """Let a reply wait for a query; another one may find no room any more."""
        crowded_out = query.wait(pending)
        if crowded_out is not None:
            self._conclude(crowded_out, CROWDED, now)

    def _look_at_waiters(self, query: InflightQuery, now: float) -> None:
        """Answer the replies whose time is over; the query goes on."""
        stale = self._engine.cache.has_stale(query.question.key, now)
        for pending in query.take_due(stale, now):
            self._conclude(pending, query.slow(), now)

    def refresh(self, question: UpstreamQuestion) -> None:
        """Ask a question again for the cache; no reply waits for it."""
        if question.key not in self._inflight and len(self._inflight) < _MAX_REFRESHES:
            self._start(question, None, None, self._loop.time())

    def sweep(self, now: float) -> None:
        """Close idle sockets, and end probes; the worker calls this periodically."""
        self._drop_late(now)
        self._udp.sweep(now)

    def _start(
        self, question: UpstreamQuestion, shares: Shares | None, pending: PendingReply | None,
        now: float, query: InflightQuery | None = None,
    ) -> bool:  # fmt: skip
        """Begin an exchange, or the next round of a query; False if it cannot begin."""
        vlan = -1 if pending is None else vlan_of(pending)
        group = self._groups.get(question.group) or Group(question.group.decode(), ())
        try:
            if query is None:
                query = InflightQuery(question, group, now, shares, vlan)
                step = query.begin(now)
            else:
                step = query.begin_round(group, shares, vlan, now)
        except Exception:
            log.exception("a question could not be asked")
            if shares is not None:
                self._admission.leave(shares)
            return False
        self._inflight[question.key] = query
        self._set_timer()
        if pending is not None:
            self._wait(query, pending, now)
        if query.probe is not None:
            self._send_probe(query, now)
        self._do_steps(query, step, now)
        if query.look_at <= now:
            self._look_at_waiters(query, now)
        return True

    def _do_steps(self, query: InflightQuery, step: Step | None, now: float) -> None:
        """Do the steps of an exchange until it waits or ends."""
        try:
            while isinstance(step, Attempt):
                step = self._send(query, cast("UpstreamAttempt", step), now)
        except Exception:
            log.exception("a question could not be sent")
            step = FAULT
        if step is not None:
            self._finish(query, step, now)
        elif query.latest is None:
            self._rest(query, now)

    def _rest(self, query: InflightQuery, now: float) -> None:
        """Wait for late answers alone, which leaves the shares of the admission to others."""
        query.deadline = inf
        if query.shares is not None:
            self._admission.leave(query.shares)
            query.shares = None
        self._look_at_waiters(query, now)

    def _send(self, query: InflightQuery, attempt: UpstreamAttempt, now: float) -> Step | None:
        """Send an attempt: None if it was sent, else the next step of the exchange."""
        server = attempt.server
        try:
            if not attempt.stream:
                attempt.waits_on, attempt.ident = self._udp.send(
                    server, attempt.message, attempt, now, attempt.own_socket
                )
            else:
                sent = self._tcp.send(server, attempt.message, attempt, attempt.own_socket)
                if sent is None:
                    return query.crowded(now)
                attempt.waits_on, attempt.ident = sent
        except OSError:
            self._counters.upstream(server.name, "unreachable")
            step = query.unreachable(attempt, now)
            self._counters.upstream_up(server.name, server.up)
            if step is not None:
                return step
            attempt.failed = True
        query.last = attempt
        query.deadline = attempt.until
        return None

    def _send_probe(self, query: InflightQuery, now: float) -> None:
        """Send the probe that is to be sent beside a query, if it can be sent."""
        probe, query.probe = cast("UpstreamAttempt", query.probe), None
        probe.is_probe = True
        server = probe.server
        try:
            probe.waits_on, probe.ident = self._udp.send(server, probe.message, probe, now)
        except OSError:
            self._counters.upstream(server.name, "unreachable")
        else:
            self._late.add(probe)

    def _probed(self, probe: UpstreamAttempt, ident: int, packet: bytes, now: float) -> None:
        """Note what came back to a probe."""
        self._late.discard(probe)
        name = probe.server.name
        if probe.inflight.probed(probe, packet, ident, now):
            self._counters.answered(name, now - probe.began)
        else:
            self._counters.upstream(name, "mismatch")

    def _finish(self, query: InflightQuery, result: CacheEntry | Failure, now: float) -> None:
        """End an exchange: store its result in the cache, and answer all waiting replies."""
        question = query.question
        del self._inflight[question.key]
        if query.shares is not None:
            self._admission.leave(query.shares)
        last, late = query.last, query.late
        query.clear()
        if last is not None and last.waits_on is not None:
            self._stop_waiting(last)
        for attempt in late:
            self._stop_waiting(cast("UpstreamAttempt", attempt))
        try:
            self._engine.cache.remember(question.key, result, now)
        except Exception:
            log.exception("a response could not be stored")
            result = FAULT
        waiters, query.waiters = query.waiters, []
        for pending in waiters:
            self._conclude(pending, result, now)

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

    def _stop_waiting(self, attempt: UpstreamAttempt) -> None:
        """Wait no longer for the answer to an attempt."""
        self._late.discard(attempt)
        waits_on, attempt.waits_on = attempt.waits_on, None
        if isinstance(waits_on, UdpSocket):
            self._udp.take_from(waits_on, attempt.ident)
        elif waits_on is not None:
            waits_on.stop_waiting(attempt.ident)

    def _received(self, udp_socket: Udp, ident: int, packet: bytes, now: float) -> None:
        attempt = self._udp.take_from(udp_socket, ident)
        if attempt is not None:
            attempt.waits_on = None
            self._process(attempt, ident, packet, now)
        elif ident not in udp_socket.waiting:
            # Possible spoofing: all queries that wait on this port are asked again over TCP.
            for each in still_waiting(udp_socket, udp_socket.all_waiting()):
                self._suspect(each)

    def _tcp_received(self, connection: Tcp, ident: int, packet: bytes) -> None:
        attempt = connection.waiting.get(ident) or connection.late.get(ident)
        if attempt is not None:
            self._stop_waiting(attempt)
            self._process(attempt, ident, packet, self._loop.time())

    def _process(self, attempt: UpstreamAttempt, ident: int, packet: bytes, now: float) -> None:
        """Report a received packet to the exchange of an attempt, and do its step."""
        if attempt.is_probe:
            self._probed(attempt, ident, packet, now)
            return
        query = attempt.inflight
        if attempt is not query.latest:
            self._late.discard(attempt)
        step: Step | None
        try:
            step = query.received(attempt, packet, ident, now)
        except Exception:
            log.exception("a response could not be processed")
            step = FAULT
        name = attempt.server.name
        if isinstance(step, CacheEntry) and step.answers:
            self._counters.answered(name, now - attempt.began)
        else:
            to_tcp = isinstance(step, Attempt) and step.stream > attempt.stream
            self._counters.upstream(name, "truncated" if to_tcp else "failed")
            self._counters.upstream_up(name, attempt.server.up)
        self._do_steps(query, step, now)

    def _suspect(self, attempt: UpstreamAttempt) -> None:
        now = self._loop.time()
        self._stop_waiting(attempt)
        self._counters.upstream(attempt.server.name, "mismatch")
        self._decide(attempt, attempt.inflight.suspected, now)

    def _unsent(self, udp_socket: Udp, ident: int) -> None:
        attempt = udp_socket.waiting.get(ident)  # None if its exchange ended before it was sent
        if attempt is not None:
            self._without_answer(attempt, attempt.inflight.unreachable)

    def _udp_refused(self, udp_socket: Udp) -> None:
        for attempt in still_waiting(udp_socket, udp_socket.all_waiting()):
            self._without_answer(attempt, attempt.inflight.refused)

    def _tcp_lost(self, connection: Tcp) -> None:
        works = connection.answered > 0
        for attempt in still_waiting(connection, connection.all_waiting()):
            query = attempt.inflight
            self._without_answer(attempt, query.closed if works else query.unreachable)

    def _without_answer(self, attempt: UpstreamAttempt, decide: Decide) -> None:
        """Go on without the answer to an attempt, as ``decide`` says."""
        name = attempt.server.name
        if attempt.is_probe or attempt not in self._late:  # else it is counted already
            self._counters.upstream(name, "unreachable")
        self._stop_waiting(attempt)
        attempt.failed = True
        self._decide(attempt, decide, self._loop.time())
        self._counters.upstream_up(name, attempt.server.up)

    def _look_at_deadlines(self) -> None:
        """End the time of attempts past their deadline; set the timer again in any case."""
        self._timer = None
        now = self._loop.time()
        try:
            queries = self._inflight.values()
            for query in [q for q in queries if q.deadline <= now or q.look_at <= now]:
                attempt = query.last
                if attempt is not None and query.deadline <= now:
                    self._time_out(attempt, now)
                if query.look_at <= now:
                    self._look_at_waiters(query, now)
            self._drop_late(now)
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

    def _time_out(self, attempt: UpstreamAttempt, now: float) -> None:
        """End the time of an attempt, unless it has more; it waits for a late answer."""
        query, server, waits_on = attempt.inflight, attempt.server, attempt.waits_on
        if attempt.failed:  # it is counted already
            query.deadline = inf
            self._decide(attempt, query.waited, now)
            return
        if query.has_more_time(attempt, now):
            return
        query.deadline = inf
        if isinstance(waits_on, TcpConnection):
            waits_on.keep_late(attempt.ident, attempt.began)
        self._late.add(attempt)
        self._counters.upstream(server.name, "timeout")
        self._decide(attempt, query.expired, now)
        self._counters.upstream_up(server.name, server.up)
        self._drop_late(now)

    def _drop_late(self, now: float) -> None:
        """Wait no longer for the late answers that have had their time, or have no room."""
        while (dropped := self._late.next_to_drop(now)) is not None:
            if dropped.is_probe:
                self._counters.upstream(dropped.server.name, "timeout")
            self._stop_waiting(dropped)
            self._decide(dropped, dropped.inflight.dropped, now)

    def _decide(self, attempt: UpstreamAttempt, decide: Decide, now: float) -> None:
        """Report an event to the exchange of an attempt, and do its step; not of a probe."""
        if attempt.is_probe:
            return
        step: Step | None
        try:
            step = decide(attempt, now)
        except Exception:
            log.exception("an exchange could not go on")
            step = FAULT
        self._do_steps(attempt.inflight, step, now)
