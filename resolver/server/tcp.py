"""Serve TCP: many queries on one connection, each answered when its reply is ready (RFC 7766).

What must stay true:
- A connection that is idle for ``IDLE`` seconds is closed; also one that has not received a whole
  message in this time. If many connections are open, the time is shorter.
- One address has at most ``PER_ADDRESS`` connections.
- While a client does not read its replies, the server does not read its queries.
- On a proxied socket a connection begins with a PROXY header of a listed server, which names the
  client. A connection without one is closed, and nothing else in it is read.
"""

import asyncio
import resource
import socket
from typing import Final

from resolver.dns.proxy_header import FIXED, header_size, scan
from resolver.engine.labels import Path
from resolver.metrics.counters import Counters
from resolver.server.handler import QueryHandler
from resolver.server.proxy import Proxies
from resolver.server.transport_cycle import break_cycle

IDLE: Final = 5.0
"""In seconds."""
CROWDED_IDLE: Final = 1.0
"""The idle time, in seconds, while more than half of the connections are open."""
MAX_CONNECTIONS: Final = min(1000, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 4)
"""Connections of a listening socket at most; a new one then closes the oldest idle one, or itself.

It is a share of the file descriptors, so upstream sockets always find some.
"""
PER_ADDRESS: Final = 250
"""Connections from one address at most; a new one then closes the oldest of this address."""
_BATCH: Final = 65536
"""Octets of replies that are gathered for one write."""
MAX_OUTSTANDING: Final = 100
"""Queries of a connection that may wait for upstreams at once; more are not read."""


class Connection(asyncio.Protocol):
    """The connection of a client."""

    def __init__(self, server: "TcpServer") -> None:
        self._server = server
        self._transport: asyncio.Transport | None = None
        self.address = b""
        """The 4 or 16 octets of the client's address; empty: a server in front itself."""
        self._awaits_header = server.proxies is not None
        self._buffer = bytearray()
        self._outstanding = 0
        """Queries without a reply so far."""
        self._half_closed = False
        self._writable = True
        self._handling = False
        self._replies: list[bytes] = []
        """Gathered replies."""
        self._gathered = 0
        """Octets of the gathered replies."""
        self._immediate = 0
        """The number of gathered replies that did not wait for an upstream."""
        self._waited: list[float] = []
        """When the queries of the other gathered replies were received."""
        self._received = 0.0
        """When the handling of the current messages began."""
        self._active = server.loop.time()
        """When a query was last read or answered, by the clock of the loop."""
        self._timer: asyncio.TimerHandle | None = None

    @property
    def idle(self) -> bool:
        """Whether no query waits for its reply."""
        return not self._outstanding

    def close(self) -> None:
        """Abort the connection."""
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start to serve a client."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        peer = transport.get_extra_info("peername")
        if peer is None:  # the client has closed already
            transport.abort()
            return
        address = _octets(peer[0])
        self._server.opened(self)
        self._check_idle()
        proxies = self._server.proxies
        if proxies is None:
            self._identify(address)
        elif not proxies.lists(address):
            self._reject()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the loop's signature
        """Forget the connection."""
        break_cycle(self._server.loop, self._transport)
        self._transport = None
        if self._timer is not None:
            self._timer.cancel()
        self._server.closed(self)

    def data_received(self, data: bytes) -> None:
        """Buffer octets, and handle whole messages."""
        self._buffer += data
        if not self._awaits_header or self._read_header():
            self._handle_messages()

    def eof_received(self) -> bool:
        """Keep the connection until all its queries are answered."""
        self._half_closed = True
        return self._outstanding > 0 or not self._writable

    def pause_writing(self) -> None:
        """Stop reading: the client does not read."""
        self._writable = False
        self._set_reading()

    def resume_writing(self) -> None:
        """Go on: the client reads again."""
        self._writable = True
        self._handle_messages()

    def _read_header(self) -> bool:
        """Read the PROXY header at the start of the connection; whether it is there and valid."""
        size = header_size(bytes(self._buffer[:FIXED]))
        if len(self._buffer) < size:
            return False
        header = scan(bytes(self._buffer[:size]))
        if header is None:
            self._reject()
            return False
        del self._buffer[:size]
        self._awaits_header = False
        self._identify(header.client)
        return True

    def _identify(self, client: bytes) -> None:
        self.address = client
        self._server.identified(self)

    def _reject(self) -> None:
        self._server.rejected()
        self.close()

    def _handle_messages(self) -> None:
        """Handle every whole message in the buffer while there is room.

        A query may be done before ``handle`` returns; ``done`` then does not call this again.
        """
        if self._handling:
            return
        self._handling = True
        self._received = self._server.loop.time()
        try:
            while (packet := self._next_message()) is not None:
                self._outstanding += 1
                reply = self._server.handle(packet, self, self._received)
                if reply is not None:
                    self._immediate += 1
                    self._gather(reply)
                    self._finished()
        finally:
            self._handling = False
        self._flush()
        self._set_reading()
        if self._half_closed:
            self._close_if_served()

    def _flush(self) -> None:
        """Write the gathered replies; if the client does not read, ``_has_room`` becomes false."""
        if self._replies and self._transport is not None:
            self._transport.write(b"".join(self._replies))
            self._server.observe_durations(self._received, self._immediate, self._waited)
        self._replies.clear()
        self._gathered = self._immediate = 0
        self._waited.clear()

    def _gather(self, packet: bytes) -> None:
        """Add a reply with its length in front (RFC 1035 section 4.2.2)."""
        self._replies.append(len(packet).to_bytes(2, "big") + packet)
        self._gathered += 2 + len(packet)
        if self._gathered >= _BATCH:
            self._flush()

    def _next_message(self) -> bytes | None:
        """Remove a whole message from the buffer; None if there is none, or no room for it."""
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

    def _set_reading(self) -> None:
        """Read from the client while there is room."""
        transport = self._transport
        if transport is not None and not transport.is_closing():
            if self._has_room():
                transport.resume_reading()
            else:
                transport.pause_reading()

    def destination(self, to: object) -> object:
        """Nothing more: a connection has one client."""
        return to

    def send(self, packet: bytes, to: object, received: float) -> None:  # noqa: ARG002 - a connection has one client
        """Send a reply that waited for an upstream; inside ``_handle_messages``, with others."""
        self._waited.append(received)
        self._gather(packet)
        if not self._handling:
            self._flush()

    def done(self) -> None:
        """Go on after a query that has its reply, or gets none."""
        full = self._outstanding >= MAX_OUTSTANDING
        self._finished()
        if full:
            self._handle_messages()
        if self._half_closed and not self._handling:
            self._close_if_served()

    def _finished(self) -> None:
        self._outstanding -= 1
        self._active = self._server.loop.time()

    def _close_if_served(self) -> None:
        if not self._outstanding and self._writable and self._transport is not None:
            self._transport.close()

    def _check_idle(self) -> None:
        """Close the connection if it was idle for the idle time; else check again later."""
        loop = self._server.loop
        now = loop.time()
        # While a query waits for an upstream, the longer time applies.
        idle_at = self._active + (IDLE if self._outstanding else self._server.idle_time)
        if now >= idle_at:
            self.close()
        else:
            self._timer = loop.call_at(min(idle_at, now + CROWDED_IDLE), self._check_idle)


class TcpServer:
    """A listening TCP socket and its connections."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        listening: socket.socket,
        handler: QueryHandler,
        counters: Counters,
        proxies: Proxies | None = None,
    ) -> None:
        """``proxies`` makes the socket a proxied one."""
        self.loop = loop
        self.proxies = proxies
        self._handler = handler
        self._counters = counters
        self._socket = listening
        self._server: asyncio.Server | None = None
        self._connections: dict[Connection, None] = {}
        self._by_address: dict[bytes, dict[Connection, None]] = {}

    async def start(self) -> None:
        """Start to accept connections."""
        self._server = await self.loop.create_server(
            lambda: Connection(self), sock=self._socket, backlog=1024
        )

    @property
    def idle_time(self) -> float:
        """Seconds that a connection may be idle (RFC 7766 section 6.2.3)."""
        return CROWDED_IDLE if len(self._connections) > MAX_CONNECTIONS // 2 else IDLE

    def handle(self, packet: bytes, connection: Connection, received: float) -> bytes | None:
        """Answer a message of a connection: the reply, or None (see ``QueryHandler.handle``)."""
        client = self._handler.engine.clients.of(connection.address, True)
        return self._handler.handle(packet, client, connection, None, received)

    def observe_durations(self, received: float, immediate: int, waited: list[float]) -> None:
        """Count the durations of replies that were just sent."""
        now = self.loop.time()
        self._counters.observe_duration(Path.CACHE, now - received, immediate)
        for each in waited:
            self._counters.observe_duration(Path.UPSTREAM, now - each)

    def opened(self, connection: Connection) -> None:
        """Register a new connection; close an idle one if there are too many."""
        if len(self._connections) >= MAX_CONNECTIONS:
            next((c for c in self._connections if c.idle), connection).close()
        self._connections[connection] = None

    def identified(self, connection: Connection) -> None:
        """Register a connection by its client; close the client's oldest if it has too many."""
        of_address = self._by_address.setdefault(connection.address, {})
        if len(of_address) >= PER_ADDRESS:
            next(iter(of_address)).close()
        of_address[connection] = None

    def rejected(self) -> None:
        """Count a connection without a valid PROXY header, or not from a listed server."""
        self._counters.proxy_rejected(1)

    def closed(self, connection: Connection) -> None:
        """Forget a connection."""
        self._connections.pop(connection, None)
        of_address = self._by_address.get(connection.address, {})
        of_address.pop(connection, None)
        if not of_address:
            self._by_address.pop(connection.address, None)

    def stop(self) -> None:
        """Accept no more connections; the open ones are still served."""
        if self._server is not None:
            self._server.close()


def _octets(address: str) -> bytes:
    """The 4 or 16 octets of an address, without an IPv6 scope."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return socket.inet_pton(family, address.partition("%")[0])
