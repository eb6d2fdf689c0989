"""The driver of exchanges: sends what they decide, tells them what comes back.

One flight is one question on its way, with everybody who waits for it; a question that is
asked again meanwhile joins the flight. No task is made for a query: sockets call back, and
one timer stands for the earliest end of all attempts.

What must stay true:
- Every waiter gets exactly one reply, under its own ID and case.
- What is on its way is bounded (``forwarding.admission``); beyond that SERVFAIL at once.
"""

import asyncio
import heapq
import itertools
from collections.abc import Callable, Mapping

from resolver.answers.cache import Key
from resolver.answers.entry import Entry
from resolver.dns import codes
from resolver.dns.response import Response
from resolver.forwarding.admission import TOTAL, WAITERS, Admission
from resolver.forwarding.exchange import Attempt, Exchange, Failure
from resolver.forwarding.servers import Group, Server
from resolver.query import Drop, Forward, Reply, Resolver
from resolver.telemetry.counters import Counters
from resolver.upstream.ports import Port, Ports
from resolver.upstream.streams import Stream, Streams

_CROWDED = Failure(codes.EDE_NETWORK_ERROR, "too many questions are on their way")

Deliver = Callable[[Reply | Drop], None]
Shares = tuple[bytes, bytes]


class Flight:
    """A question on its way, the attempt that is being made, and who waits."""

    __slots__ = ("attempt", "exchange", "ident", "on", "sent", "shares", "waiters")

    def __init__(self, exchange: Exchange, shares: Shares | None) -> None:
        self.exchange = exchange
        self.shares = shares
        """What it holds of the admission; a refresh holds nothing."""
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
        self._admission = Admission()
        self._timer: asyncio.TimerHandle | None = None

    def use(self, groups: Mapping[str, Group]) -> None:
        """Ask these servers from now on; what is on its way goes on as it began."""
        for group in groups.values():
            for server in group.servers:
                self._counters.upstream_up(server.name, server.up)
        self._groups = groups

    def forward(self, forward: Forward, deliver: Deliver) -> None:
        """Ask an upstream, and deliver the reply, now or later."""
        key = forward.key
        now = self._loop.time()
        flight = self._flights.get(key)
        if flight is None:
            shares = self._admission.enter(key.name, forward.source.address)
            if shares is None:
                self._conclude(forward, deliver, _CROWDED, now)
                return
            flight = self._take_off(key, shares, now)
            flight.waiters.append((forward, deliver))
            self._go_on(flight, flight.exchange.begin(now), now)
        elif len(flight.waiters) < WAITERS:
            flight.waiters.append((forward, deliver))
        else:
            self._conclude(forward, deliver, _CROWDED, now)

    def refresh(self, key: Key) -> None:
        """Ask a question anew for the cache, though nobody waits for it."""
        if key not in self._flights and len(self._flights) < TOTAL // 2:
            now = self._loop.time()
            flight = self._take_off(key, None, now)
            self._go_on(flight, flight.exchange.begin(now), now)

    def _take_off(self, key: Key, shares: Shares | None, now: float) -> Flight:
        group = self._groups.get(key.group) or Group(key.group, ())
        flight = self._flights[key] = Flight(Exchange(key, group, now), shares)
        return flight

    def _go_on(self, flight: Flight, step: Response | Attempt | Failure, now: float) -> None:
        """Do what the exchange has decided, until something has to be waited for."""
        while isinstance(step, Attempt):
            try:
                room = self._send(flight, step, now)
            except OSError:
                self._counters.upstream(step.server.name, "unreachable")
                step = flight.exchange.unreachable(now)
            else:
                if room:
                    return
                step = flight.exchange.crowded(now)
        key = flight.exchange.key
        del self._flights[key]
        if flight.shares is not None:
            self._admission.leave(flight.shares)
        result = step if isinstance(step, Failure) else self._resolver.remember(key, step, now)
        for forward, deliver in flight.waiters:
            self._conclude(forward, deliver, result, now)

    def _send(self, flight: Flight, attempt: Attempt, now: float) -> bool:
        """Send an attempt; False where no connection has room for it."""
        if attempt.stream:
            place = self._streams_to(attempt.server).send(attempt.message, flight)
            if place is None:
                return False
            flight.on, flight.ident = place
        else:
            ports = self._ports_to(attempt.server)
            flight.on, flight.ident = ports.send(attempt.message, flight, now)
        flight.attempt = attempt
        flight.sent = now
        heapq.heappush(self._ends, (attempt.until, next(self._order), flight, attempt))
        self._arm()
        return True

    def _ports_to(self, server: Server) -> Ports[Flight]:
        ports = self._ports.get(server)
        if ports is None:
            ports = Ports(self._loop, server, self._received, self._refused)
            self._ports[server] = ports
        return ports

    def _streams_to(self, server: Server) -> Streams[Flight]:
        streams = self._streams.get(server)
        if streams is None:
            streams = Streams(self._loop, server, self._streamed, self._stream_lost)
            self._streams[server] = streams
        return streams

    def _conclude(
        self, forward: Forward, deliver: Deliver, result: Entry | Failure, now: float
    ) -> None:
        reply = self._resolver.conclude(forward, result, now)
        if isinstance(reply, Forward):  # an alias leads on
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
                self._suspect(waiting, now)

    def _took(self, flight: Flight, packet: bytes, now: float) -> None:
        attempt, ident = flight.attempt, flight.ident
        assert attempt is not None
        self._leave(flight, late=False)
        step = flight.exchange.received(packet, ident, now)
        if isinstance(step, Response):
            self._counters.upstream(attempt.server.name, "answered", now - flight.sent)
            self._counters.upstream_up(attempt.server.name, True)
        else:
            to_tcp = isinstance(step, Attempt) and step.stream > attempt.stream
            self._counters.upstream(attempt.server.name, "truncated" if to_tcp else "failed")
        self._go_on(flight, step, now)

    def _suspect(self, flight: Flight, now: float) -> None:
        attempt = flight.attempt
        assert attempt is not None
        self._leave(flight, late=True)
        self._counters.upstream(attempt.server.name, "mismatch")
        self._go_on(flight, flight.exchange.suspected(now), now)

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
