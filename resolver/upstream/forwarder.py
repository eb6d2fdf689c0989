"""The driver of exchanges: sends what they decide, tells them what comes back.

One flight is one question on its way, with everybody who waits for it; a question that is
asked again meanwhile joins the flight. No task is made for a query: sockets call back, and
one timer stands for the ends of all attempts.

What must stay true:
- Every waiter gets exactly one reply, under its own ID and case.
- What is on its way is bounded (``forwarding.admission``); beyond that SERVFAIL at once.
- A fault of ours ends the flight that shows it, as SERVFAIL; no question waits for ever.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Generic, TypeVar, TypeVarTuple

from resolver.dns import codes
from resolver.engine.admission import WAITERS, Admission, Shares
from resolver.engine.cache import Key
from resolver.engine.engine import Resolver
from resolver.engine.entry import Entry
from resolver.engine.exchange import PATIENCE, Attempt, Exchange, Failure, Step
from resolver.engine.servers import Group, Server
from resolver.engine.transaction import AtOnce, Drop, Forward, Reply
from resolver.metrics.counters import Counters
from resolver.metrics.log import log
from resolver.server.loop import Loop
from resolver.upstream.deadlines import Deadlines
from resolver.upstream.inflight import Flight, Sent
from resolver.upstream.tcp_connections import Stream, Streams
from resolver.upstream.udp_sockets import Port, Ports

_CROWDED = Failure(codes.EDE_NETWORK_ERROR, "too many questions are on their way")
_AT_A_LOSS = Failure(codes.EDE_OTHER, "a fault of the resolver itself")
_MAX_REFRESHES = 1000

_Arguments = TypeVarTuple("_Arguments")
Ticket = TypeVar("Ticket")
"""What a waiter gives to be told by."""


class Forwarder(Generic[Ticket]):
    """All questions of one worker that are on their way."""

    def __init__(
        self,
        loop: Loop,
        resolver: Resolver,
        counters: Counters,
        deliver: Callable[[Ticket, AtOnce | Reply | Drop, float], None],
    ) -> None:
        self._loop = loop
        self._resolver = resolver
        self._counters = counters
        self._deliver = deliver
        self._groups: Mapping[str, Group] = {}
        self._ports = Ports[Sent](loop, self._received, self._refused, self._unsent)
        self._streams: dict[Server, Streams[Sent]] = {}
        self._flights: dict[Key, Flight] = {}
        self._deadlines = Deadlines[Sent](loop, self._time_out)
        self._admission = Admission()

    @property
    def busy(self) -> bool:
        """Whether anything is being asked."""
        return bool(self._flights)

    def use(self, groups: Mapping[str, Group]) -> None:
        """Ask these servers from now on; what is on its way goes on as it began."""
        for group in groups.values():
            for server in group.servers:
                self._counters.upstream_up(server.name, server.up if server.tried else None)
        self._groups = groups

    def forward(self, forward: Forward, ticket: Ticket, now: float) -> None:
        """Ask an upstream, and deliver the reply, now or later."""
        key = forward.key
        flight = self._flights.get(key)
        if flight is None:
            shares = self._admission.enter(key.name, forward.asked.source.address)
            if shares is None:
                self._conclude(forward, ticket, _CROWDED, now)
                return
            flight = self._take_off(key, shares, now)
            if flight is None:
                self._conclude(forward, ticket, _AT_A_LOSS, now)
                return
            if forward.chain is None:
                flight.waiters.append((forward, ticket))
            else:
                self._wait(flight, forward, ticket, now)
            self._go_on(flight, _decided(flight.exchange.begin, now), now)
        elif len(flight.waiters) < WAITERS:
            self._wait(flight, forward, ticket, now)
        else:
            self._conclude(forward, ticket, _CROWDED, now)

    def _wait(self, flight: Flight, forward: Forward, ticket: Ticket, now: float) -> None:
        """Await a flight's end; for a later link of a chain only as long as the query may take.

        The flight itself has its full time: others wait for it, and the cache does.
        """
        waiter = (forward, ticket)
        flight.waiters.append(waiter)
        if forward.chain is not None:
            end = max(forward.began + PATIENCE, now)
            self._loop.call_at(end, self._give_up, flight, waiter)

    def _give_up(self, flight: Flight, waiter: tuple[Forward, Ticket]) -> None:
        if waiter in flight.waiters:
            flight.waiters.remove(waiter)
            forward, ticket = waiter
            self._deliver(ticket, self._resolver.give_up(forward), self._loop.time())

    def refresh(self, key: Key) -> None:
        """Ask a question anew for the cache, though nobody waits for it."""
        if key not in self._flights and len(self._flights) < _MAX_REFRESHES:
            now = self._loop.time()
            flight = self._take_off(key, None, now)
            if flight is not None:
                self._go_on(flight, _decided(flight.exchange.begin, now), now)

    def sweep(self, now: float) -> None:
        """Close what has idled; called from time to time."""
        self._ports.sweep(now)

    def _take_off(self, key: Key, shares: Shares | None, now: float) -> Flight | None:
        group = self._groups.get(key.group) or Group(key.group, ())
        try:
            exchange = Exchange(key, group, now)
        except Exception:
            log.exception("a question could not be put")
            if shares is not None:
                self._admission.leave(shares)
            return None
        flight = self._flights[key] = Flight(exchange, shares)
        return flight

    def _go_on(self, flight: Flight, step: Step | None, now: float) -> None:
        """Do what the exchange has decided, until something has to be waited for."""
        try:
            while isinstance(step, Attempt):
                step = self._send(flight, step, now)
        except Exception:
            log.exception("a question could not be sent")
            step = _AT_A_LOSS
        if step is not None:
            self._land(flight, step, now)

    def _send(self, flight: Flight, attempt: Attempt, now: float) -> Step | None:
        """Send an attempt: None if it went, else what the exchange says to that."""
        server = attempt.server
        sent = Sent(flight, attempt)
        try:
            if not attempt.stream:
                sent.on, sent.ident = self._ports.send(
                    server, attempt.message, sent, now, attempt.alone
                )
            elif (place := self._streams_to(server).send(attempt.message, sent)) is not None:
                sent.on, sent.ident = place
            else:
                return flight.exchange.crowded(now)
        except OSError:
            self._counters.upstream(server.name, "unreachable")
            step = flight.exchange.unreachable(attempt, now)
            if step is not None:
                return step
            sent.refused = True
        flight.sent.append(sent)
        self._deadlines.add(attempt.until, sent)
        return None

    def _land(self, flight: Flight, result: Entry | Failure, now: float) -> None:
        """The exchange has ended: remember what came of it, and tell all who wait."""
        key = flight.exchange.key
        del self._flights[key]
        if flight.shares is not None:
            self._admission.leave(flight.shares)
        for sent in flight.sent:
            sent.over = True
            if sent.on is not None:
                self._leave(sent)
            # A deadline holds on to it; whatever else there was is freed while it is at hand.
            del sent.flight, sent.attempt
        flight.sent.clear()
        if isinstance(result, Entry):
            try:
                result = self._resolver.remember(key, result, now)
            except Exception:
                log.exception("a response could not be kept")
                result = _AT_A_LOSS
        waiters, flight.waiters = flight.waiters, []
        for forward, ticket in waiters:
            self._conclude(forward, ticket, result, now)  # type: ignore[arg-type]

    def _conclude(
        self, forward: Forward, ticket: Ticket, result: Entry | Failure, now: float
    ) -> None:
        """Tell one who waits; whatever is wrong with that, the others are told as well."""
        try:
            reply = self._resolver.conclude(forward, result, now)
            if isinstance(reply, Forward):  # an alias leads on
                self.forward(reply, ticket, now)
            else:
                self._deliver(ticket, reply, now)
        except Exception:
            log.exception("a question could not be concluded")
            self._fail(forward, ticket, now)

    def _fail(self, forward: Forward, ticket: Ticket, now: float) -> None:
        try:
            self._deliver(ticket, self._resolver.give_up(forward), now)
        except Exception:
            log.exception("a client could not be told of a fault")

    def _leave(self, sent: Sent) -> None:
        on, sent.on = sent.on, None
        if isinstance(on, Port):
            self._ports.take_from(on, sent.ident)
        elif on is not None:
            on.leave(sent.ident)

    def _streams_to(self, server: Server) -> Streams[Sent]:
        streams = self._streams.get(server)
        if streams is None:
            streams = Streams(self._loop, server, self._streamed, self._stream_lost)
            self._streams[server] = streams
        return streams

    def _received(self, port: Port[Sent], ident: int, packet: bytes, now: float) -> None:
        sent = self._ports.take_from(port, ident)
        if sent is not None:
            sent.on = None
            self._took(sent, ident, packet, now)
        elif ident not in port.ids:
            # Somebody guesses at this port: whoever waits here goes where guessing is useless.
            for waiting in _still(port):
                self._suspect(waiting)

    def _streamed(self, stream: Stream[Sent], ident: int, packet: bytes) -> None:
        sent = stream.waiting.get(ident)
        if sent is not None:
            self._leave(sent)
            self._took(sent, ident, packet, self._loop.time())

    def _took(self, sent: Sent, ident: int, packet: bytes, now: float) -> None:
        attempt = sent.attempt
        sent.over = True
        step: Step | None
        try:
            step = sent.flight.exchange.received(attempt, packet, ident, now)
        except Exception:
            log.exception("a response could not be judged")
            step = _AT_A_LOSS
        name = attempt.server.name
        if isinstance(step, Entry):
            self._counters.answered(name, now - attempt.began)
            self._land(sent.flight, step, now)
            return
        to_tcp = isinstance(step, Attempt) and step.stream > attempt.stream
        self._counters.upstream(name, "truncated" if to_tcp else "failed")
        self._go_on(sent.flight, step, now)

    def _suspect(self, sent: Sent) -> None:
        now = self._loop.time()
        sent.over = True
        self._leave(sent)
        self._counters.upstream(sent.attempt.server.name, "mismatch")
        step = _decided(sent.flight.exchange.suspected, sent.attempt, now)
        self._go_on(sent.flight, step, now)

    def _unsent(self, port: Port[Sent], ident: int) -> None:
        sent = port.waiting.get(ident)  # None if its flight has landed before it could go
        if sent is not None:
            self._unreachable(sent)

    def _refused(self, port: Port[Sent]) -> None:
        for sent in _still(port):
            self._unreachable(sent)

    def _stream_lost(self, stream: Stream[Sent]) -> None:
        for sent in _still(stream):
            self._unreachable(sent)

    def _unreachable(self, sent: Sent) -> None:
        now = self._loop.time()
        server = sent.attempt.server
        self._leave(sent)
        sent.refused = True
        self._counters.upstream(server.name, "unreachable")
        step = _decided(sent.flight.exchange.unreachable, sent.attempt, now)
        self._counters.upstream_up(server.name, server.up)
        self._go_on(sent.flight, step, now)

    def _time_out(self, sent: Sent, now: float) -> None:
        """An attempt has had its time; over UDP it is listened to until the flight lands."""
        server = sent.attempt.server
        sent.over = True
        if sent.refused:  # which has been counted already
            step = _decided(sent.flight.exchange.waited, sent.attempt, now)
            self._go_on(sent.flight, step, now)
            return
        if sent.attempt.stream:
            self._leave(sent)
        self._counters.upstream(server.name, "timeout")
        step = _decided(sent.flight.exchange.expired, sent.attempt, now)
        self._counters.upstream_up(server.name, server.up)
        self._go_on(sent.flight, step, now)


def _decided(decide: Callable[[*_Arguments], Step | None], *arguments: *_Arguments) -> Step | None:
    """What an exchange decides, whatever is wrong with it."""
    try:
        return decide(*arguments)
    except Exception:
        log.exception("an exchange could not go on")
        return _AT_A_LOSS


def _still(on: "Port[Sent] | Stream[Sent]") -> Iterator[Sent]:
    """What waits there, one after the other: what is done about one may end another's waiting."""
    for sent in list(on.waiting.values()):
        if sent.on is on:
            yield sent
