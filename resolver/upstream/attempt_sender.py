"""Send the attempts of exchanges, and report to the exchanges what comes of them.

What must stay true:
- What ends an attempt is reported once: what was received, a failure, or that no late answer is
  waited for any more. A time-out may come before that, and nothing comes once the query has ended.
  Of a probe only an answer is reported, also then.
- The attempts that wait for late answers are bounded (``exchange.late_attempts``).
"""

import resource
from collections.abc import Callable, Iterator
from math import inf
from typing import Final

from resolver.engine.result import PendingReply
from resolver.exchange.attempt import Attempt
from resolver.exchange.entry import CacheEntry
from resolver.exchange.exchange import Step
from resolver.exchange.failure import FAULT
from resolver.exchange.in_flight import AttemptChannel, QueryInFlight, SentAttempt
from resolver.exchange.late_attempts import LateAttempts
from resolver.exchange.second_answer import NATIONAL_FILTER, difference
from resolver.exchange.servers import Server
from resolver.metrics.counters import Counters
from resolver.policy.filter_addresses import FilterAddresses
from resolver.system.log import log
from resolver.transport.loop import Loop
from resolver.upstream.tcp_connections import TcpConnection, TcpConnections
from resolver.upstream.udp_sockets import UdpSocketPool

MAX_LATE: Final = min(2000, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 4)

Query = QueryInFlight[PendingReply]
Sent = SentAttempt[PendingReply]
_Event = Callable[[Attempt, float], Step | None]  # a method of an exchange


class AttemptSender:
    """The sockets and connections to upstream servers, and the attempts that wait on them."""

    def __init__(
        self, loop: Loop, counters: Counters, go_on: Callable[[Query, Step | None, float], None]
    ) -> None:
        """``go_on`` gets the step of an exchange after an event."""
        self._loop = loop
        self._counters = counters
        self._go_on = go_on
        self._udp = UdpSocketPool[Sent](
            loop, self._received, self._repeated, self._suspect, self._refused, self._unsent
        )
        self._tcp = TcpConnections[Sent](loop, self._received, self._tcp_lost)
        self.late = LateAttempts[PendingReply](MAX_LATE)

    def send(self, query: Query, attempt: Attempt, now: float) -> Step | None:
        """Send an attempt: None if it was sent, else the next step of the exchange."""
        server, sent = attempt.server, SentAttempt(attempt, query)
        channel_ident: tuple[AttemptChannel, int] | None
        try:
            if not attempt.stream:
                channel_ident = self._udp.send(
                    server, attempt.message, sent, now, attempt.own_socket
                )
            else:
                channel_ident = self._tcp.send(server, attempt.message, sent, attempt.own_socket)
                if channel_ident is None:
                    return query.exchange.tcp_unavailable(attempt, now)
        except OSError:
            self._counters.upstream(server.name, "unreachable")
            step = query.exchange.unreachable(attempt, now)
            self._counters.upstream_up(server.name, server.up)
            return step
        sent.channel, sent.ident = channel_ident
        query.sent.append(sent)
        return None

    def send_probe(self, query: Query, probe: Attempt, now: float) -> None:
        """Send a probe beside the attempts of a query, if it can be sent; it may outlive these."""
        server, sent = probe.server, SentAttempt(probe, query)
        channel_ident: tuple[AttemptChannel, int] | None
        try:
            if not probe.stream:
                channel_ident = self._udp.send(server, probe.message, sent, now)
            else:
                channel_ident = self._tcp.send(server, probe.message, sent)
        except OSError:
            self._counters.upstream(server.name, "unreachable")
        else:
            if channel_ident is not None:
                sent.channel, sent.ident = channel_ident
                self.late.add(sent)

    def time_out(self, query: Query, now: float) -> None:
        """End the time of the current attempt, unless it has more; it waits for a late answer."""
        exchange, attempt = query.exchange, query.exchange.current
        if attempt is None:
            return
        if exchange.is_paused:  # its failure is counted already
            query.deadline = inf
            self._report(query, attempt, exchange.waited, now)
            return
        if attempt.stream:
            _note_progress(query)
        if exchange.has_more_time(attempt, now):
            return
        query.deadline = inf
        sent, server = query.sent[-1], attempt.server
        if sent.channel is not None:
            sent.channel.keep_late(sent.ident, attempt.began)
        self.late.add(sent)
        self._counters.upstream(server.name, "timeout")
        self._report(query, attempt, exchange.expired, now)
        self._counters.upstream_up(server.name, server.up)
        self.drop_late(now)

    def drop_late(self, now: float) -> None:
        """Wait no longer for the late answers that have had their time, or have no room."""
        while (dropped := self.late.next_to_drop(now)) is not None:
            query, attempt = dropped.query, dropped.attempt
            if attempt.is_probe:
                self._counters.upstream(attempt.server.name, "timeout")
            self._stop_waiting(dropped)
            self._report(query, attempt, query.exchange.dropped, now)

    def stop(self, query: Query) -> None:
        """Wait for no answer to a query any longer."""
        for sent in tuple(query.sent):
            self._stop_waiting(sent)

    def sweep(self, now: float) -> None:
        """Close idle sockets, and end probes."""
        self.drop_late(now)
        self._udp.sweep(now)

    def _stop_waiting(self, sent: Sent) -> None:
        """Wait no longer for the answer to an attempt."""
        self.late.discard(sent)
        if sent in sent.query.sent:  # a probe is not
            sent.query.sent.remove(sent)
        channel, sent.channel = sent.channel, None
        if channel is not None:
            channel.stop_waiting(sent.ident)

    def _received(self, sent: Sent, packet: bytes, now: float) -> FilterAddresses | None:
        """Report the packet that an attempt has waited for to its exchange, and do its step.

        Returns the filter that may be on the path of the packet.
        """
        of_filter = sent.query.exchange.round.group.filter
        sent.channel = None
        query, attempt, name = sent.query, sent.attempt, sent.attempt.server.name
        if attempt is not query.exchange.current:
            self.late.discard(sent)
        if attempt.is_probe:
            self._probed(query, attempt, packet, sent.ident, now)
            return of_filter
        query.sent.remove(sent)
        step: Step | None
        try:
            step = query.exchange.received(attempt, packet, sent.ident, now)
        except Exception:
            log.exception("a response could not be processed")
            step = FAULT
        if isinstance(step, CacheEntry) and step.filter_address:
            self._counters.upstream(name, NATIONAL_FILTER)
        elif isinstance(step, CacheEntry) and step.answers:
            self._counters.answered(name, now - attempt.began)
        else:
            to_tcp = isinstance(step, Attempt) and step.stream > attempt.stream
            self._counters.upstream(name, "truncated" if to_tcp else "failed")
            self._counters.upstream_up(name, attempt.server.up)
        self._go_on(query, step, now)
        return of_filter

    def _probed(self, query: Query, probe: Attempt, packet: bytes, ident: int, now: float) -> None:
        """Note what came back to a probe."""
        name = probe.server.name
        result = query.exchange.probed(probe, packet, ident, now)
        if result == "answered":
            self._counters.answered(name, now - probe.began)
        else:
            self._counters.upstream(name, result)

    def _repeated(
        self, server: Server, first: bytes, second: bytes, of_filter: FilterAddresses | None
    ) -> None:
        """Count a second answer to a query, if it differs; the first alone is used."""
        kind = difference(first, second, of_filter)
        if kind:
            self._counters.differing(server.name, kind)

    def _suspect(self, waiting: list[Sent]) -> None:
        """Have all queries that wait on one port asked again over TCP: a packet may be forged."""
        now = self._loop.time()
        for sent in _still_waiting(waiting):
            self._stop_waiting(sent)
            self._counters.upstream(sent.attempt.server.name, "mismatch")
            self._report(sent.query, sent.attempt, sent.query.exchange.suspected, now)

    def _refused(self, waiting: list[Sent]) -> None:
        for sent in _still_waiting(waiting):
            self._without_answer(sent, sent.query.exchange.refused)

    def _unsent(self, sent: Sent) -> None:
        self._without_answer(sent, sent.query.exchange.unreachable)

    def _tcp_lost(self, connection: TcpConnection[Sent]) -> None:
        works = connection.answered > 0 or connection.is_given_up
        for sent in _still_waiting(connection.all_waiting()):
            exchange = sent.query.exchange
            self._without_answer(sent, exchange.closed if works else exchange.unreachable)

    def _without_answer(self, sent: Sent, event: _Event) -> None:
        """Report that no answer to an attempt comes, as an event."""
        attempt, name = sent.attempt, sent.attempt.server.name
        if attempt.is_probe or sent not in self.late:  # else it is counted already
            self._counters.upstream(name, "unreachable")
        self._stop_waiting(sent)
        self._report(sent.query, attempt, event, self._loop.time())
        self._counters.upstream_up(name, attempt.server.up)

    def _report(self, query: Query, attempt: Attempt, event: _Event, now: float) -> None:
        """Report an event to the exchange of an attempt, and do its step; not of a probe."""
        if attempt.is_probe:
            return
        step: Step | None
        try:
            step = event(attempt, now)
        except Exception:
            log.exception("an exchange could not go on")
            step = FAULT
        self._go_on(query, step, now)


def _note_progress(query: Query) -> None:
    """Tell the attempts over TCP of a query when their connections have made progress."""
    for sent in query.sent:
        if sent.channel is not None:
            sent.attempt.progress_at = sent.channel.progress_at


def _still_waiting(sent: list[Sent]) -> Iterator[Sent]:
    """Those that still wait: a step of one exchange may end the waiting of others.

    It is no generator expression: mypyc would look at all before the first step.
    """
    for attempt in sent:
        if attempt.channel is not None:
            yield attempt
