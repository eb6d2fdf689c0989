"""The TCP edge: many queries a connection, answered as they are ready (RFC 7766).

What must stay true:
- No connection is for ever: one that is idle for ``IDLE`` seconds is closed, and one that
  has not finished a message in that time as well. The fuller the server, the sooner.
- One address holds at most a share of the connections.
- A client that does not read its answers is not read from.
"""

import asyncio
import resource
import socket

from resolver.engine.labels import Path
from resolver.metrics.counters import Counters
from resolver.server.handler import QueryHandler
from resolver.server.transport_cycle import break_cycle

IDLE = 5.0
CROWDED_IDLE = 1.0
"""The idle time when more than half of the connections are taken."""
MAX_CONNECTIONS = min(1000, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 4)
"""Connections a listening socket holds; a newcomer then takes the oldest idle one's place.

A share of the descriptors, so that clients cannot take those that upstreams need.
"""
PER_ADDRESS = 250
"""Connections from one address; beyond that its own oldest gives way."""
_BATCH = 65536
"""Octets of replies that are gathered for one write."""
MAX_OUTSTANDING = 100
"""Queries of a connection on their way at once; more wait unread."""


class Connection(asyncio.Protocol):
    """One client's connection."""

    def __init__(self, server: "TcpServer") -> None:
        self._server = server
        self._transport: asyncio.Transport | None = None
        self.address = b""
        """The client's, in octets."""
        self._buffer = bytearray()
        self._outstanding = 0
        self._half_closed = False
        self._writable = True
        self._taking = False
        self._replies: list[bytes] = []
        self._gathered = 0
        self._at_once = 0
        """How many of the gathered replies waited for no upstream."""
        self._waited: list[float] = []
        """When the queries came of those that did."""
        self._received = 0.0
        """When the messages at hand were taken up."""
        self._active = server.loop.time()
        """When something was last asked or answered, by the loop's clock."""
        self._timer: asyncio.TimerHandle | None = None

    @property
    def idle(self) -> bool:
        """Whether nothing of it is on its way."""
        return not self._outstanding

    def close(self) -> None:
        """End it now."""
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has connected."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        peer = transport.get_extra_info("peername")
        if peer is None:  # gone before it was here
            transport.abort()
            return
        self.address = _octets(peer[0])
        self._server.opened(self)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the loop's signature
        """The client has gone."""
        break_cycle(self._server.loop, self._transport)
        self._transport = None
        if self._timer is not None:
            self._timer.cancel()
        self._server.closed(self)

    def data_received(self, data: bytes) -> None:
        """Some octets have come, of a message or of several."""
        self._buffer += data
        self._take()

    def eof_received(self) -> bool:
        """The client has said all; what it asked is still answered."""
        self._half_closed = True
        return self._outstanding > 0 or not self._writable

    def pause_writing(self) -> None:
        """The client does not read."""
        self._writable = False
        self._pace()

    def resume_writing(self) -> None:
        """The client reads again."""
        self._writable = True
        self._take()

    def _take(self) -> None:
        """Hand in every whole message, as long as there is room for more.

        What is answered at once is done within: ``done`` then leaves it to this loop to go on.
        """
        if self._taking:
            return
        self._taking = True
        self._received = self._server.loop.time()
        try:
            while (packet := self._next_message()) is not None:
                self._outstanding += 1
                reply = self._server.handle(packet, self, self._received)
                if reply is not None:
                    self._at_once += 1
                    self._gather(reply)
                    self._finished()
        finally:
            self._taking = False
        self._flush()
        self._pace()
        if self._half_closed:
            self._close_if_served()

    def _flush(self) -> None:
        """Write what has gathered; where the client does not read, ``_has_room`` will say no."""
        if self._replies and self._transport is not None:
            self._transport.write(b"".join(self._replies))
            self._server.took(self._received, self._at_once, self._waited)
        self._replies.clear()
        self._gathered = self._at_once = 0
        self._waited.clear()

    def _gather(self, packet: bytes) -> None:
        """Keep a reply, with its length before it (RFC 1035 section 4.2.2)."""
        self._replies.append(len(packet).to_bytes(2, "big") + packet)
        self._gathered += 2 + len(packet)
        if self._gathered >= _BATCH:
            self._flush()

    def _next_message(self) -> bytes | None:
        """Take a whole message off the buffer, if there is one and room for it."""
        buffer = self._buffer
        if self._transport is None or not self._has_room() or len(buffer) < 2:
            return None
        end = 2 + (buffer[0] << 8 | buffer[1])
        if len(buffer) < end:
            return None
        packet = bytes(buffer[2:end])
        del buffer[:end]
        self._active = self._server.loop.time()
        return packet

    def _has_room(self) -> bool:
        return self._writable and self._outstanding < MAX_OUTSTANDING

    def _pace(self) -> None:
        transport = self._transport
        if transport is not None and not transport.is_closing():
            if self._has_room():
                transport.resume_reading()
            else:
                transport.pause_reading()

    def send(self, packet: bytes, to: object, received: float) -> None:  # noqa: ARG002 - there is one client here
        """Send a reply that waited for an upstream, together with others of its batch."""
        self._waited.append(received)
        self._gather(packet)
        if not self._taking:
            self._flush()

    def done(self) -> None:
        """Go on: a query has had its reply, or gets none."""
        full = self._outstanding >= MAX_OUTSTANDING
        self._finished()
        if full:
            self._take()
        if self._half_closed and not self._taking:
            self._close_if_served()

    def _finished(self) -> None:
        self._outstanding -= 1
        self._active = self._server.loop.time()

    def _close_if_served(self) -> None:
        if not self._outstanding and self._writable and self._transport is not None:
            self._transport.close()

    def _watch(self) -> None:
        """Close it if nothing was finished within the idle time; else look again later."""
        loop = self._server.loop
        now = loop.time()
        # What waits for an upstream is not idle, however crowded it is here.
        idle_at = self._active + (IDLE if self._outstanding else self._server.idle_time)
        if now >= idle_at:
            self.close()
        else:
            self._timer = loop.call_at(min(idle_at, now + CROWDED_IDLE), self._watch)


class TcpServer:
    """One listening TCP socket and its connections."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        listening: socket.socket,
        handler: QueryHandler,
        counters: Counters,
    ) -> None:
        self.loop = loop
        self._handler = handler
        self._counters = counters
        self._socket = listening
        self._server: asyncio.Server | None = None
        self._connections: dict[Connection, None] = {}
        self._by_address: dict[bytes, dict[Connection, None]] = {}

    async def start(self) -> None:
        """Accept connections from now on."""
        self._server = await self.loop.create_server(
            lambda: Connection(self), sock=self._socket, backlog=1024
        )

    @property
    def idle_time(self) -> float:
        """Seconds that a connection may be idle now (RFC 7766 section 6.2.3)."""
        return CROWDED_IDLE if len(self._connections) > MAX_CONNECTIONS // 2 else IDLE

    def handle(self, packet: bytes, connection: Connection, received: float) -> bytes | None:
        """Answer a message that a connection has received whole, if that can be done at once."""
        client = self._handler.engine.client(connection.address, True)
        return self._handler.handle(packet, client, connection, None, received)

    def took(self, received: float, at_once: int, waited: list[float]) -> None:
        """Observe the durations of replies that were sent just now."""
        now = self.loop.time()
        self._counters.took(Path.CACHE, now - received, at_once)
        for each in waited:
            self._counters.took(Path.UPSTREAM, now - each)

    def opened(self, connection: Connection) -> None:
        """Make room for a connection."""
        of_address = self._by_address.setdefault(connection.address, {})
        if len(of_address) >= PER_ADDRESS:
            next(iter(of_address)).close()
        elif len(self._connections) >= MAX_CONNECTIONS:
            next((c for c in self._connections if c.idle), connection).close()
        self._connections[connection] = None
        of_address[connection] = None

    def closed(self, connection: Connection) -> None:
        """Forget a connection."""
        self._connections.pop(connection, None)
        of_address = self._by_address.get(connection.address, {})
        of_address.pop(connection, None)
        if not of_address:
            self._by_address.pop(connection.address, None)

    def stop(self) -> None:
        """Accept no more; what is on its way is still answered."""
        if self._server is not None:
            self._server.close()


def _octets(address: str) -> bytes:
    """The 4 or 16 octets of an address; an IPv6 scope is left out."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return socket.inet_pton(family, address.partition("%")[0])
