"""TCP connections towards upstream servers, shared by the queries that need one.

Queries are pipelined and answered in any order (RFC 7766 section 6.2.1.1), at most
``AT_ONCE`` a connection and ``CONNECTIONS`` a server; an idle connection is closed after
``IDLE`` seconds. When all are full there is no room, and whoever wants it goes elsewhere:
that somebody can send queries over TCP by forging packets must not exhaust it.
"""

import asyncio
import random
from collections.abc import Callable
from typing import Generic, TypeVar

from resolver.engine.servers import Server
from resolver.server.transport_cycle import break_cycle

AT_ONCE = 64
CONNECTIONS = 8
IDLE = 5.0

_RANDOM = random.SystemRandom()

Waiting = TypeVar("Waiting")


class TcpConnection(asyncio.Protocol, Generic[Waiting]):
    """One connection, and what awaits an answer on it by ID."""

    def __init__(
        self,
        receive: Callable[["TcpConnection[Waiting]", int, bytes], None],
        lost: Callable[["TcpConnection[Waiting]"], None],
    ) -> None:
        self._receive = receive
        self._lost = lost
        self._transport: asyncio.Transport | None = None
        self._unsent: list[bytes] = []
        self._buffer = bytearray()
        self._idle: asyncio.TimerHandle | None = None
        self.waiting: dict[int, Waiting] = {}
        self.closed = False

    def send(self, message: bytes, waiting: Waiting) -> int:
        """Send a query (given without its ID), at once or when connected; its ID."""
        ident = _RANDOM.getrandbits(16)
        while ident in self.waiting:
            ident = _RANDOM.getrandbits(16)
        self.waiting[ident] = waiting
        frame = (len(message) + 2).to_bytes(2, "big") + ident.to_bytes(2, "big") + message
        if self._transport is None:
            self._unsent.append(frame)
        else:
            self._transport.write(frame)
        self._stay()
        return ident

    def leave(self, ident: int) -> None:
        """Stop waiting for an answer."""
        self.waiting.pop(ident, None)
        if not self.waiting and self._transport is not None and not self.closed:
            loop = asyncio.get_running_loop()
            self._idle = loop.call_later(IDLE, self.close)

    def close(self) -> None:
        """End the connection; who still waits is told."""
        if self._transport is not None:
            self._transport.close()
        self.end()

    def end(self) -> None:
        """The connection is no more, or never came to be."""
        self._stay()  # the timer holds on to this, and this to the timer
        if not self.closed:
            self.closed = True
            self._lost(self)

    def _stay(self) -> None:
        """Close no more for having idled."""
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send what has been waiting for the connection."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.writelines(self._unsent)
        self._unsent.clear()
        if not self.waiting:  # nobody has had the patience to wait for the connection
            self._idle = asyncio.get_running_loop().call_later(IDLE, self.close)

    def data_received(self, data: bytes) -> None:
        """Take whole messages off the stream (RFC 1035 section 4.2.2)."""
        self._buffer += data
        while len(self._buffer) >= 2:
            end = 2 + int.from_bytes(self._buffer[:2], "big")
            if len(self._buffer) < end:
                return
            packet = bytes(self._buffer[2:end])
            del self._buffer[:end]
            if len(packet) >= 2:
                self._receive(self, int.from_bytes(packet[:2], "big"), packet)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the loop's signature
        """Tell who still waits."""
        break_cycle(asyncio.get_running_loop(), self._transport)
        self._transport = None
        self.end()


class TcpConnectionPool(Generic[Waiting]):
    """The connections towards one server."""

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
        self._lost = lost
        self._open: list[TcpConnection[Waiting]] = []
        self._connecting: set[asyncio.Task[None]] = set()

    def send(self, message: bytes, waiting: Waiting) -> tuple[TcpConnection[Waiting], int] | None:
        """Send a query over a connection that has room; None where there is no room."""
        self._open = [stream for stream in self._open if not stream.closed]
        stream = next((s for s in self._open if len(s.waiting) < AT_ONCE), None)
        if stream is None:
            if len(self._open) >= CONNECTIONS:
                return None
            stream = TcpConnection(self._receive, self._lost)
            self._open.append(stream)
            task = self._loop.create_task(self._connect(stream))
            self._connecting.add(task)
            task.add_done_callback(self._connecting.discard)
        return stream, stream.send(message, waiting)

    def close(self) -> None:
        """Close all connections."""
        for task in self._connecting:
            task.cancel()
        for stream in self._open:
            stream.close()

    async def _connect(self, stream: TcpConnection[Waiting]) -> None:
        server = self._server
        try:
            await self._loop.create_connection(lambda: stream, server.address, server.port)
        except OSError:
            stream.end()
