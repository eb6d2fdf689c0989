"""UDP sockets towards upstream servers, with ports that cannot be guessed.

A port is a socket connected to one server, so the kernel drops what comes from anywhere
else. It carries at most ``USES`` queries, and takes new ones for at most ``LIFE`` seconds;
under load queries are spread at random over ``OPEN`` ports, and with less each query has a
port of its own. IDs are random as well, and none is used twice on a port (RFC 5452 section
9.2).

What has come in a round is handled together at its end, and then all leaves that is to be
sent: ``resolver.server.loop`` says what that saves.
"""

import socket
from collections.abc import Callable
from functools import partial
from typing import Generic, TypeVar

from resolver.engine.servers import Server
from resolver.metrics.log import log
from resolver.server.loop import Loop
from resolver.upstream.random_ids import Unpredictable

USES = 8
OPEN = 64
LIFE = 1.0

_LARGEST = 4096

Waiting = TypeVar("Waiting")


class Port(Generic[Waiting]):
    """One socket, and what awaits an answer on it by ID."""

    __slots__ = ("born", "ids", "retired", "socket", "uses", "waiting")

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
        self.born = now
        self.uses = 0
        self.retired = False
        self.ids: set[int] = set()
        """All that were used here: an answer to one that is awaited no more is late, not forged."""
        self.waiting: dict[int, Waiting] = {}


class Ports(Generic[Waiting]):
    """The ports of a worker."""

    def __init__(
        self,
        loop: Loop,
        receive: Callable[[Port[Waiting], int, bytes, float], None],
        refused: Callable[[Port[Waiting]], None],
        unsent: Callable[[Port[Waiting], int], None],
    ) -> None:
        """Tell these of what happens at the ports.

        ``receive`` of what has come, with its ID and the time; ``refused`` of a port whose
        server says that nobody listens; ``unsent`` of a query, by its ID, that could not go.
        """
        self._loop = loop
        self._receive = receive
        self._refused = refused
        self._unsent = unsent
        self._came: list[tuple[Port[Waiting], bytes]] = []
        self._leaving: list[tuple[Port[Waiting], int, bytes]] = []
        loop.at_rounds(self._take_in)
        loop.at_rounds(self._send_off)
        self._random = Unpredictable()
        self._open: dict[Server, list[Port[Waiting]]] = {}
        """The ports that take queries, the oldest first."""

    def send(
        self, server: Server, message: bytes, waiting: Waiting, now: float, alone: bool = False
    ) -> tuple[Port[Waiting], int]:
        """Send a query (given without its ID) at the round's end, and await its answer.

        ``alone``: on a port that carries nothing else. OSError where there is no port for it.
        """
        port = self._take(server, now, alone)
        ident = self._random.u16()
        while ident in port.ids:
            ident = self._random.u16()
        port.ids.add(ident)
        port.uses += 1
        if port.uses >= USES and not port.retired:
            port.retired = True
            self._open[server].remove(port)
        port.waiting[ident] = waiting
        self._leaving.append((port, ident, ident.to_bytes(2, "big") + message))
        return port, ident

    def _take_in(self) -> None:
        """Tell of what has come in this round."""
        if not self._came:
            return
        came, self._came = self._came, []
        now, receive = self._loop.time(), self._receive
        for port, packet in came:
            try:
                receive(port, packet[0] << 8 | packet[1], packet, now)
            except Exception:  # a fault of ours costs its own question, not the others' answers
                log.exception("a response could not be taken in")

    def _send_off(self) -> None:
        """Send what is to leave, and what that leads to where something cannot."""
        while self._leaving:
            leaving, self._leaving = self._leaving, []
            for port, ident, packet in leaving:
                try:
                    port.socket.send(packet)
                except OSError as error:
                    self._fail(port, ident, error)

    def _fail(self, port: Port[Waiting], ident: int, error: OSError) -> None:
        """Tell of a query that could not go."""
        try:
            if isinstance(error, ConnectionRefusedError):  # which an earlier query has led to
                self._refused(port)
            else:
                self._unsent(port, ident)
        except Exception:  # a fault of ours costs its own question: the others still go
            log.exception("a query could not be given up")

    def take_from(self, port: Port[Waiting], ident: int) -> Waiting | None:
        """Await an answer no longer: what did, if any.

        A port that takes no more queries closes with the last that is awaited.
        """
        waiting = port.waiting.pop(ident, None)
        if port.retired and not port.waiting:
            self._close(port)
        return waiting

    def sweep(self, now: float) -> None:
        """Close the ports that have idled to the end of their life."""
        for ports in self._open.values():
            self._retire_old(ports, now)

    def _take(self, server: Server, now: float, alone: bool) -> Port[Waiting]:
        ports = self._open.get(server)
        if ports is None:
            ports = self._open[server] = []
        elif ports and now - ports[0].born >= LIFE:
            self._retire_old(ports, now)
        if len(ports) < OPEN or alone:
            try:
                return self._new(server, ports, now, alone)
            except OSError:  # no descriptor is left, or there is no way to the server
                if not ports:
                    raise
        return ports[self._random.u16() % len(ports)]

    def _new(
        self, server: Server, ports: list[Port[Waiting]], now: float, alone: bool
    ) -> Port[Waiting]:
        port: Port[Waiting] = Port(server, now)
        self._loop.attend(port.socket.fileno(), partial(self._readable, port))
        port.retired = alone
        if not alone:
            ports.append(port)
        return port

    def _retire_old(self, ports: list[Port[Waiting]], now: float) -> None:
        while ports and now - ports[0].born >= LIFE:
            port = ports.pop(0)
            port.retired = True
            if not port.waiting:
                self._close(port)

    def _close(self, port: Port[Waiting]) -> None:
        number = port.socket.fileno()
        if number >= 0:
            port.socket.close()
            self._loop.closed(number)

    def _readable(self, port: Port[Waiting]) -> None:
        try:
            packet = port.socket.recv(_LARGEST)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:  # the server's host says that nobody listens there
            self._refused(port)
            return
        if len(packet) >= 2:
            self._came.append((port, packet))
