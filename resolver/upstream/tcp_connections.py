"""TCP connections to upstream servers, shared by the queries that need TCP.

Queries are pipelined and answered in any order (RFC 7766 section 6.2.1.1). A connection has at
most ``MAX_WAITING`` queries, and a server at most ``MAX_CONNECTIONS`` connections. An idle
connection is closed after ``IDLE`` seconds. If all connections are full, the query goes over UDP
again: an attacker who forces queries to TCP by forged packets cannot exhaust the server.

A connection that has given nothing since a query was sent, until the time of that query is over,
takes no more queries, since its server may have restarted. It stays open for late answers, one of
at most ``MAX_CONNECTIONS`` such connections.

Some servers close a connection after a few answers, whatever else was asked on it. The pool notes
how many, and puts no more queries than that on one connection while it may open another.
"""

import asyncio
import random
from collections.abc import Callable
from typing import Final, Generic, TypeVar

from resolver.engine.servers import Server
from resolver.server.transport_cycle import break_cycle

MAX_WAITING: Final = 64
MAX_CONNECTIONS: Final = 8
IDLE = 5.0
"""In seconds."""
_CONNECT: Final = 10.0
"""Seconds in which a connection must be made."""

_RANDOM = random.SystemRandom()

Waiting = TypeVar("Waiting")
"""What waits for an answer."""


class TcpConnection(asyncio.Protocol, Generic[Waiting]):
    """One connection, and what waits for answers on it."""

    def __init__(
        self,
        receive: Callable[["TcpConnection[Waiting]", int, bytes], None],
        lost: Callable[["TcpConnection[Waiting]"], None],
    ) -> None:
        """``receive`` gets each message with its ID; ``lost`` is called once, at the end."""
        self._receive = receive
        self._lost = lost
        self._transport: asyncio.Transport | None = None
        self._unsent: list[bytes] = []
        self._buffer = bytearray()
        self._idle: asyncio.TimerHandle | None = None
        self.waiting: dict[int, Waiting] = {}
        """What waits for an answer, by ID."""
        self.late: dict[int, Waiting] = {}
        """What waits for a late answer, by ID; it takes no room of others."""
        self.answered = 0
        """The number of messages that were received."""
        self.heard = 0.0
        """When the last one was received (monotonic seconds)."""
        self.is_silent = False
        """Whether it takes no more queries, since it has given nothing for too long."""
        self.closed = False

    def send(self, message: bytes, waiting: Waiting) -> int:
        """Send a query (given without its ID), now or when connected; the ID that it gets."""
        ident = _RANDOM.getrandbits(16)
        while ident in self.waiting or ident in self.late:
            ident = _RANDOM.getrandbits(16)
        self.waiting[ident] = waiting
        frame = (len(message) + 2).to_bytes(2, "big") + ident.to_bytes(2, "big") + message
        if self._transport is None:
            self._unsent.append(frame)
        else:
            self._transport.write(frame)
        self._cancel_idle_timer()
        return ident

    def keep_late(self, ident: int) -> None:
        """Wait for the answer with this ID as a late one."""
        self.late[ident] = self.waiting.pop(ident)

    def all_waiting(self) -> list[Waiting]:
        """All that waits for an answer on this connection."""
        return [*self.waiting.values(), *self.late.values()]

    def stop_waiting(self, ident: int) -> None:
        """Wait no longer for the answer with this ID."""
        self.waiting.pop(ident, None)
        self.late.pop(ident, None)
        if not self.waiting and not self.late and self._transport is not None and not self.closed:
            loop = asyncio.get_running_loop()
            self._idle = loop.call_later(IDLE, self.close)

    def close(self) -> None:
        """Close the connection."""
        if self._transport is not None:
            self._transport.close()
        self.end()

    def end(self) -> None:
        """Report once that the connection has ended, or could not be made."""
        self._cancel_idle_timer()  # timer and connection refer to each other
        if not self.closed:
            self.closed = True
            self._lost(self)

    def _cancel_idle_timer(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the queries that wait for the connection."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.writelines(self._unsent)
        self._unsent.clear()
        if not self.waiting and not self.late:  # all that waited have given up
            self._idle = asyncio.get_running_loop().call_later(IDLE, self.close)

    def data_received(self, data: bytes) -> None:
        """Buffer octets, and report whole messages (RFC 1035 section 4.2.2)."""
        self._buffer += data
        while len(self._buffer) >= 2:
            end = 2 + int.from_bytes(self._buffer[:2], "big")
            if len(self._buffer) < end:
                return
            packet = bytes(self._buffer[2:end])
            del self._buffer[:end]
            if len(packet) >= 2:
                self.answered += 1
                self.heard = asyncio.get_running_loop().time()
                self._receive(self, int.from_bytes(packet[:2], "big"), packet)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the loop's signature
        """Report that the connection has ended."""
        break_cycle(asyncio.get_running_loop(), self._transport)
        self._transport = None
        self.end()


class TcpConnectionPool(Generic[Waiting]):
    """The connections to one server."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        server: Server,
        receive: Callable[[TcpConnection[Waiting], int, bytes], None],
        lost: Callable[[TcpConnection[Waiting]], None],
    ) -> None:
        self._loop = loop
        self._server = server
        self._receive = receive
        self._report_lost = lost
        self._most = MAX_WAITING
        """The queries on one connection, while another may be opened."""
        self._open: list[TcpConnection[Waiting]] = []
        self._silent: list[TcpConnection[Waiting]] = []
        """The oldest is first."""
        self._connecting: set[asyncio.Task[None]] = set()

    def send(self, message: bytes, waiting: Waiting) -> tuple[TcpConnection[Waiting], int] | None:
        """Send a query over a connection with room: connection and ID; None if all are full."""
        self._open = [each for each in self._open if not each.closed]
        connection = min(self._open, key=lambda each: len(each.waiting), default=None)
        if connection is None or len(connection.waiting) >= self._most:
            if len(self._open) < MAX_CONNECTIONS:
                connection = self._new()
            elif connection is None or len(connection.waiting) >= MAX_WAITING:
                return None
        return connection, connection.send(message, waiting)

    def keep_late(self, connection: TcpConnection[Waiting], ident: int, began: float) -> None:
        """Wait for a late answer to a query that was sent at ``began``; no room is kept for it."""
        connection.keep_late(ident)
        if connection.heard < began and connection in self._open:
            connection.is_silent = True
            self._open.remove(connection)
            self._silent = [each for each in self._silent if not each.closed]
            self._silent.append(connection)
            if len(self._silent) > MAX_CONNECTIONS:
                self._silent[0].close()

    def _new(self) -> TcpConnection[Waiting]:
        connection = TcpConnection(self._receive, self._lost)
        self._open.append(connection)
        task = self._loop.create_task(self._connect(connection))
        self._connecting.add(task)
        task.add_done_callback(self._connecting.discard)
        return connection

    def _lost(self, connection: TcpConnection[Waiting]) -> None:
        if connection.waiting and connection.answered and not connection.is_silent:
            self._most = min(self._most, connection.answered)
        self._report_lost(connection)

    def close(self) -> None:
        """Close all connections."""
        for task in self._connecting:
            task.cancel()
        for connection in (*self._open, *self._silent):
            connection.close()

    async def _connect(self, connection: TcpConnection[Waiting]) -> None:
        server = self._server
        try:
            async with asyncio.timeout(_CONNECT):
                await self._loop.create_connection(lambda: connection, server.address, server.port)
        except OSError:  # or TimeoutError
            connection.end()
