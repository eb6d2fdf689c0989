"""UDP sockets towards upstream servers, with ports that cannot be guessed.

A socket is connected to one server, so the kernel drops what comes from anywhere else. It
carries at most ``USES`` queries, and takes new ones for at most ``LIFE`` seconds; under load
queries are spread at random over ``OPEN`` sockets, and with less each query has a port of its
own. IDs are random as well, and none is used twice on a socket (RFC 5452 section 9.2).

What has come in an iteration of the loop is handled together at its end, and then all leaves
that is to be sent: ``server.loop`` says what that saves.
"""

import socket
from collections.abc import Callable
from functools import partial
from typing import Final, Generic, TypeVar

from resolver.engine.servers import Server
from resolver.metrics.log import log
from resolver.server.loop import Loop
from resolver.upstream.random_ids import RandomIds

USES: Final = 8
OPEN: Final = 64
LIFE: Final = 1.0
_LARGEST: Final = 4096

Waiting = TypeVar("Waiting")


class UdpSocket(Generic[Waiting]):
    """One socket, and what awaits an answer on it by ID."""

    __slots__ = ("awaited", "born", "number", "retired", "socket", "uses", "waiting")

    def __init__(self, server: Server, now: float) -> None:
        """Open a socket towards a server; OSError where there is no way to it."""
        family = socket.AF_INET6 if ":" in server.address else socket.AF_INET
        # The bare socket, without what the module wraps around it: it lives for eight queries.
        self.socket = socket.SocketType(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        try:
            self.socket.connect((server.address, server.port))
        except OSError:
            self.socket.close()
            raise
        self.number = self.socket.fileno()
        self.born = now
        self.uses = 0
        self.retired = False
        """Whether it takes no more queries."""
        self.waiting: dict[int, Waiting | None] = {}
        """By every ID that was used here; None where its answer is awaited no longer.

        An answer to such an ID is late, and one to another ID may be forged."""
        self.awaited = 0
        """How many answers are awaited."""

    def all_waiting(self) -> list[Waiting]:
        """All that await an answer here."""
        return [each for each in self.waiting.values() if each is not None]


class UdpSocketPool(Generic[Waiting]):
    """The sockets of a worker."""

    def __init__(
        self,
        loop: Loop,
        receive: Callable[[UdpSocket[Waiting], int, bytes, float], None],
        refused: Callable[[UdpSocket[Waiting]], None],
        unsent: Callable[[UdpSocket[Waiting], int], None],
    ) -> None:
        """Report what happens at the sockets.

        ``receive`` takes a packet, with its ID and the time; ``refused`` a socket whose server
        says that nobody listens; ``unsent`` a query, by its ID, that could not be sent.
        """
        self._loop = loop
        self._receive = receive
        self._refused = refused
        self._unsent = unsent
        self._received: list[tuple[UdpSocket[Waiting], bytes]] = []
        self._leaving: list[tuple[UdpSocket[Waiting], int, bytes]] = []
        loop.on_iteration_end(self._handle_received)
        loop.on_iteration_end(self._send_all)
        self._random = RandomIds()
        self._open: dict[Server, list[UdpSocket[Waiting]]] = {}
        """The sockets that take queries, the oldest first."""

    def send(
        self, server: Server, message: bytes, waiting: Waiting, now: float, alone: bool = False
    ) -> tuple[UdpSocket[Waiting], int]:
        """Send a query (given without its ID) at the iteration's end, and await its answer.

        ``alone``: on a socket that carries nothing else. OSError where there is none for it.
        """
        chosen = self._choose(server, now, alone)
        ident = self._random.u16()
        while ident in chosen.waiting:
            ident = self._random.u16()
        chosen.uses += 1
        if chosen.uses >= USES and not chosen.retired:
            chosen.retired = True
            self._open[server].remove(chosen)
        chosen.waiting[ident] = waiting
        chosen.awaited += 1
        self._leaving.append((chosen, ident, message))
        return chosen, ident

    def _handle_received(self) -> None:
        """Hand on what has come in this iteration."""
        if not self._received:
            return
        received, self._received = self._received, []
        now = self._loop.time()
        for at, packet in received:
            try:
                self._receive(at, packet[0] << 8 | packet[1], packet, now)
            except Exception:  # a fault of ours costs its own question, not the others' answers
                log.exception("a response could not be handled")

    def _send_all(self) -> None:
        """Send what is to leave, and what that leads to where something cannot."""
        while self._leaving:
            leaving, self._leaving = self._leaving, []
            for chosen, ident, message in leaving:
                try:
                    chosen.socket.send(ident.to_bytes(2, "big") + message)
                except OSError as error:
                    self._fail(chosen, ident, error)

    def _fail(self, chosen: UdpSocket[Waiting], ident: int, error: OSError) -> None:
        """Report a query that could not be sent."""
        try:
            if isinstance(error, ConnectionRefusedError):  # which an earlier query has led to
                self._refused(chosen)
            else:
                self._unsent(chosen, ident)
        except Exception:  # a fault of ours costs its own question: the others still go
            log.exception("a query could not be given up")

    def take_from(self, at: UdpSocket[Waiting], ident: int) -> Waiting | None:
        """Await an answer no longer: what did, if any.

        A socket that takes no more queries closes with the last that is awaited.
        """
        waiting = at.waiting.get(ident)
        if waiting is not None:
            at.waiting[ident] = None
            at.awaited -= 1
            if at.retired and not at.awaited:
                self._close(at)
        return waiting

    def sweep(self, now: float) -> None:
        """Close the sockets that have idled to the end of their life."""
        for sockets in self._open.values():
            self._retire_old(sockets, now)

    def _choose(self, server: Server, now: float, alone: bool) -> UdpSocket[Waiting]:
        sockets = self._open.get(server)
        if sockets is None:
            sockets = self._open[server] = []
        elif sockets and now - sockets[0].born >= LIFE:
            self._retire_old(sockets, now)
        if len(sockets) < OPEN or alone:
            try:
                return self._new(server, sockets, now, alone)
            except OSError:  # no descriptor is left, or there is no way to the server
                if not sockets:
                    raise
        return sockets[self._random.u16() % len(sockets)]

    def _new(
        self, server: Server, sockets: list[UdpSocket[Waiting]], now: float, alone: bool
    ) -> UdpSocket[Waiting]:
        made: UdpSocket[Waiting] = UdpSocket(server, now)
        self._loop.add_fast_reader(made.number, partial(self._readable, made))
        made.retired = alone
        if not alone:
            sockets.append(made)
        return made

    def _retire_old(self, sockets: list[UdpSocket[Waiting]], now: float) -> None:
        while sockets and now - sockets[0].born >= LIFE:
            oldest = sockets.pop(0)
            oldest.retired = True
            if not oldest.awaited:
                self._close(oldest)

    def _close(self, at: UdpSocket[Waiting]) -> None:
        if at.number >= 0:
            at.socket.close()
            self._loop.remove_closed(at.number)
            at.number = -1

    def _readable(self, at: UdpSocket[Waiting]) -> None:
        try:
            packet = at.socket.recv(_LARGEST)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:  # the server's host says that nobody listens there
            self._refused(at)
            return
        if len(packet) >= 2:
            self._received.append((at, packet))
