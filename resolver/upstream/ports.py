"""UDP sockets towards upstream servers, with ports that cannot be guessed.

A port is a socket connected to one server, so the kernel drops what comes from anywhere
else. It carries at most ``USES`` queries, and takes new ones for at most ``LIFE`` seconds;
queries are spread at random over the ports that are open, ``OPEN`` under load. With little
traffic each query gets a port of its own. IDs are random as well, and none is used twice
on a port (RFC 5452 section 9.2).
"""

import asyncio
import random
import socket
from collections.abc import Callable
from typing import Generic, TypeVar

from resolver.forwarding.servers import Server

USES = 8
OPEN = 64
LIFE = 1.0

_RANDOM = random.SystemRandom()
_AT_ONCE = 64
_LARGEST = 4096

Waiting = TypeVar("Waiting")


class Port(Generic[Waiting]):
    """One socket, and what awaits an answer on it by ID."""

    __slots__ = ("born", "ids", "late", "socket", "uses", "waiting")

    def __init__(self, server: Server, now: float) -> None:
        """Open a socket towards a server; OSError where there is no way to it."""
        family = socket.AF_INET6 if ":" in server.address else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        try:
            self.socket.connect((server.address, server.port))
        except OSError:
            self.socket.close()
            raise
        self.born = now
        self.uses = 0
        self.ids: set[int] = set()
        self.waiting: dict[int, Waiting] = {}
        self.late: set[int] = set()
        """IDs that are awaited no more; their answers are late, not forged."""

    def new_id(self) -> int:
        """An ID that this port has not used."""
        while True:
            ident = _RANDOM.getrandbits(16)
            if ident not in self.ids:
                self.ids.add(ident)
                return ident


class Ports(Generic[Waiting]):
    """The open ports towards one server."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        server: Server,
        receive: Callable[[Port[Waiting], bytes], None],
        refused: Callable[[Port[Waiting]], None],
    ) -> None:
        self._loop = loop
        self._server = server
        self._receive = receive
        self._refused = refused
        self._open: list[Port[Waiting]] = []

    def send(self, message: bytes, waiting: Waiting, now: float) -> tuple[Port[Waiting], int]:
        """Send a query (given without its ID) and wait for its answer; OSError if it cannot go."""
        port = self._take(now)
        ident = port.new_id()
        port.waiting[ident] = waiting
        port.uses += 1
        try:
            port.socket.send(ident.to_bytes(2, "big") + message)
        except OSError:
            self.leave(port, ident, late=False)
            raise
        finally:
            if port.uses >= USES and port in self._open:
                self._open.remove(port)
        return port, ident

    def leave(self, port: Port[Waiting], ident: int, *, late: bool) -> None:
        """Stop waiting for an answer; a port that is spent closes with its last wait."""
        del port.waiting[ident]
        if late:
            port.late.add(ident)
        if not port.waiting:
            if port in self._open:
                self._open.remove(port)
            self._close(port)

    def close(self) -> None:
        """Close every port that takes new queries; the others close as their queries end."""
        for port in self._open:
            if not port.waiting:
                self._close(port)
        self._open = []

    def _take(self, now: float) -> Port[Waiting]:
        self._open = [port for port in self._open if now - port.born < LIFE]
        if len(self._open) < OPEN:
            port = Port[Waiting](self._server, now)
            self._loop.add_reader(port.socket.fileno(), self._readable, port)
            self._open.append(port)
            return port
        return _RANDOM.choice(self._open)

    def _close(self, port: Port[Waiting]) -> None:
        if port.socket.fileno() >= 0:
            self._loop.remove_reader(port.socket.fileno())
            port.socket.close()

    def _readable(self, port: Port[Waiting]) -> None:
        for _ in range(_AT_ONCE):
            if port.socket.fileno() < 0:
                return
            try:
                packet = port.socket.recv(_LARGEST)
            except (BlockingIOError, InterruptedError):
                return
            except OSError:  # the server's host says that nobody listens there
                self._refused(port)
                return
            self._receive(port, packet)
