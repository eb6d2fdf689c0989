"""The driver of exchanges: sends what they decide, tells them what comes back.

One flight is one question on its way, with everybody who waits for it; a question that is
asked again meanwhile joins the flight. No task is made for a query: sockets call back, and
one timer stands for the earliest end of all attempts.

What must stay true:
- Every waiter gets exactly one reply, under its own ID and case.
- The number of flights is bounded; beyond it the answer is SERVFAIL at once.
"""

import asyncio
import heapq
import itertools
from collections.abc import Callable, Mapping

from resolver.answers.cache import Entry, Key
from resolver.dns import codes
from resolver.dns.response import Response
from resolver.forwarding.exchange import Attempt, Exchange, Failure
from resolver.forwarding.servers import Group, Server
from resolver.query import Drop, Forward, Reply, Resolver
from resolver.telemetry.counters import Counters
from resolver.upstream.ports import Port, Ports
from resolver.upstream.streams import Stream, Streams

MAX_FLIGHTS = 8192

Deliver = Callable[[Reply | Drop], None]


class Flight:
    """A question on its way, the attempt that is being made, and who waits."""

    __slots__ = ("attempt", "exchange", "ident", "on", "sent", "waiters")

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.waiters: list[tuple[Forward, Deliver]] = []
        self.attempt: Attempt | None = None
        self.on: Port[Flight] | Stream[Flight] | None = None
        self.ident = 0
        self.sent = 0.0


class Forwarder:
    """All questions of one worker that are on their way."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, resolver: Resolver, counters: Counters
    ) -> None:
        self._loop = loop
        self._resolver = resolver
        self._counters = counters
        self._groups: Mapping[str, Group] = {}
        self._ports: dict[Server, Ports[Flight]] = {}
        self._streams: dict[Server, Streams[Flight]] = {}
        self._flights: dict[Key, Flight] = {}
        self._ends: list[tuple[float, int, Flight, Attempt]] = []
        self._order = itertools.count()
        self._timer: asyncio.TimerHandle | None = None

    def use(self, groups: Mapping[str, Group]) -> None:
        """Ask these servers from now on; what is on its way goes on as it began."""
        known = {server for group in groups.values() for server in group.servers}
        for server in [server for server in self._ports if server not in known]:
            self._ports.pop(server).close()
            self._streams.pop(server).close()
        for server in known - self._ports.keys():
            self._ports[server] = Ports(self._loop, server, self._received, self._refused)
            self._streams[server] = Streams(self._loop, server, self._streamed, self._stream_lost)
        self._groups = groups

    def forward(self, forward: Forward, deliver: Deliver) -> None:
        """Ask an upstream, and deliver the reply, now or later."""
        flight = self._flights.get(forward.key)
        if flight is not None:
            flight.waiters.append((forward, deliver))
            return
        now = self._loop.time()
        group = self._groups.get(forward.key.group) or Group(forward.key.group, ())
        flight = Flight(Exchange(forward.key, group, now))
        flight.waiters.append((forward, deliver))
        if len(self._flights) >= MAX_FLIGHTS:
            busy = Failure(codes.EDE_NETWORK_ERROR, "too many questions are on their way")
            self._deliver(flight, busy, now)
            return
        self._flights[forward.key] = flight
        self._go_on(flight, flight.exchange.begin(now), now)

    def _go_on(self, flight: Flight, step: Response | Attempt | Failure, now: float) -> None:
        """Do what the exchange has decided, until something has to be waited for."""
        while isinstance(step, Attempt):
            try:
                self._send(flight, step, now)
            except OSError:
                self._counters.upstream(step.server.name, "unreachable")
                step = flight.exchange.unreachable(now)
            else:
                return
        del self._flights[flight.exchange.key]
        if isinstance(step, Failure):
            self._deliver(flight, step, now)
        else:
            self._deliver(flight, self._resolver.remember(flight.exchange.key, step, now), now)

    def _send(self, flight: Flight, attempt: Attempt, now: float) -> None:
        flight.attempt = attempt
        flight.sent = now
        if attempt.stream:
            flight.on, flight.ident = self._streams[attempt.server].send(attempt.message, flight)
        else:
            ports = self._ports[attempt.server]
            flight.on, flight.ident = ports.send(attempt.message, flight, now)
        heapq.heappush(self._ends, (attempt.until, next(self._order), flight, attempt))
        self._arm()

    def _deliver(self, flight: Flight, result: Entry | Failure, now: float) -> None:
        for forward, deliver in flight.waiters:
            reply = self._resolver.conclude(forward, result, now)
            if isinstance(reply, Forward):  # the policy now sends it elsewhere
                self.forward(reply, deliver)
            else:
                deliver(reply)

    def _received(self, port: Port[Flight], packet: bytes) -> None:
        ident = int.from_bytes(packet[:2], "big")
        flight = port.waiting.get(ident)
        now = self._loop.time()
        if flight is not None:
            self._took(flight, packet, now)
        elif ident not in port.late:
            # Somebody guesses at this port: whoever waits here goes where guessing is useless.
            for waiting in list(port.waiting.values()):
                self._took(waiting, packet, now)

    def _took(self, flight: Flight, packet: bytes, now: float) -> None:
        attempt, ident = flight.attempt, flight.ident
        assert attempt is not None
        self._leave(flight, late=False)
        step = flight.exchange.received(packet, ident, now)
        if isinstance(step, Response):
            self._counters.upstream(attempt.server.name, "answered", now - flight.sent)
            self._counters.upstream_up(attempt.server.name, True)
        else:
            self._counters.upstream(attempt.server.name, "failed")
        self._go_on(flight, step, now)

    def _streamed(self, stream: Stream[Flight], ident: int, packet: bytes) -> None:
        flight = stream.waiting.get(ident)
        if flight is not None:
            self._took(flight, packet, self._loop.time())

    def _refused(self, port: Port[Flight]) -> None:
        for flight in list(port.waiting.values()):
            self._unreachable(flight)

    def _stream_lost(self, stream: Stream[Flight]) -> None:
        for flight in list(stream.waiting.values()):
            self._unreachable(flight)

    def _unreachable(self, flight: Flight) -> None:
        now = self._loop.time()
        attempt = flight.attempt
        assert attempt is not None
        self._leave(flight, late=False)
        self._counters.upstream(attempt.server.name, "unreachable")
        step = flight.exchange.unreachable(now)
        self._counters.upstream_up(attempt.server.name, attempt.server.up)
        self._go_on(flight, step, now)

    def _leave(self, flight: Flight, *, late: bool) -> None:
        attempt, on = flight.attempt, flight.on
        flight.attempt = flight.on = None
        if isinstance(on, Stream):
            on.leave(flight.ident)
        elif on is not None and attempt is not None:
            ports = self._ports.get(attempt.server)
            if ports is not None:
                ports.leave(on, flight.ident, late=late)

    def _arm(self) -> None:
        """Keep the timer at the earliest end, forgetting ends of attempts that are over."""
        ends = self._ends
        while ends and ends[0][2].attempt is not ends[0][3]:
            heapq.heappop(ends)
        if self._timer is not None and (not ends or self._timer.when() != ends[0][0]):
            self._timer.cancel()
            self._timer = None
        if ends and self._timer is None:
            self._timer = self._loop.call_at(ends[0][0], self._expire)

    def _expire(self) -> None:
        self._timer = None
        now = self._loop.time()
        while self._ends and self._ends[0][0] <= now:
            _, _, flight, attempt = heapq.heappop(self._ends)
            if flight.attempt is attempt:
                self._leave(flight, late=True)
                self._counters.upstream(attempt.server.name, "timeout")
                step = flight.exchange.expired(now)
                self._counters.upstream_up(attempt.server.name, attempt.server.up)
                self._go_on(flight, step, now)
        self._arm()
