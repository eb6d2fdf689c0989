"""Serve TCP: many queries on one connection, each answered when its reply is ready (RFC 7766).

On a socket of DNS over TLS (RFC 7858) a connection begins with a handshake (``Handshakes``).

What must stay true:
- A connection that is idle for ``IDLE`` seconds is closed, over TLS for ``TLS_IDLE``; also one that
  has not received a whole message in this time. If many connections are open, the time is shorter.
- One address has at most ``TCP_PER_ADDRESS`` connections. Where all together have too many, one is
  closed for a new one, also while its queries wait for replies (``ConnectionShare``).
- While a client does not take its replies, the server does not read its queries. What it has not
  taken is bounded, in the kernel (``_SEND_BUFFER``) and here (``SendBacklog``), and is discarded at
  the end.
- On a proxied socket a connection begins with a PROXY header of a listed server, which names the
  client. A connection without one is closed, and nothing else in it is read.
- A connection that has not ended its handshake is closed after ``HANDSHAKE`` seconds; and before
  all others where there are too many, and more than ``HANDSHAKES`` of them are in a handshake.
  So many have room beside those that are established, which else could take all of it.
- All replies of a connection in an iteration of the loop are sent with one system call, or with
  one for each ``_BATCH`` octets.
"""

import asyncio
import resource
import socket
import sys
from typing import Final

from resolver.dns.proxy_header import FIXED, header_size, scan
from resolver.dns.transport import TCP, TLS
from resolver.engine.labels import ReplyPath
from resolver.metrics.counters import Counters
from resolver.policy.prefixes import client_prefix
from resolver.policy.settings import TCP_PER_ADDRESS
from resolver.server.connection_shares import ConnectionShare
from resolver.server.handler import QueryHandler
from resolver.server.proxy import Proxies
from resolver.server.send_backlog import SendBacklog
from resolver.system.interfaces import family_of
from resolver.system.log import log
from resolver.transport.handshakes import Handshakes
from resolver.transport.loop import Loop
from resolver.transport.stream import MessageStream, framed

IDLE: Final = 5.0
"""In seconds."""
CROWDED_IDLE: Final = 1.0
"""The idle time, in seconds, while more than half of the connections are open."""
TLS_IDLE: Final = 30.0
"""The idle time over TLS, in seconds, where to come back costs both sides a handshake (RFC 7858
section 3.4); ``IDLE`` while more than half of the connections are open."""
HANDSHAKE: Final = 3.0
"""Seconds that a handshake of TLS may take; no longer than a connection may be idle."""
MAX_CONNECTIONS: Final = min(1000, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 4)
"""Connections of a listening socket at most; a new one then closes another.

It is a share of the file descriptors, so upstream sockets always find some.
"""
HANDSHAKES: Final = max(1, MAX_CONNECTIONS // 10)
"""Connections in a handshake that are closed no sooner than others."""
_NO_VLAN: Final = -1
"""In place of a VLAN, for clients that are in none or not known yet."""
_BACKLOG: Final = 1024
_AT_ONCE: Final = 32
"""Connections that are accepted in one iteration of the loop at most."""
_PAUSE: Final = 1.0
"""Seconds without new connections, after one could not be accepted."""
_SEND_BUFFER: Final = 65536
"""Octets that the kernel may keep of the replies of a connection; it takes twice as many, with what
it needs besides. By itself, it would let them grow to megabytes. A buffer that is smaller than the
largest segment, 64 KiB on loopback, waits 40 ms for each delayed acknowledgement."""
_RECEIVE_BUFFER: Final = 32768
"""The same for queries that are not read."""
_BATCH: Final = 65536
"""Octets of replies that are gathered for one write."""
MAX_OUTSTANDING: Final = 100
"""Queries of a connection that may wait for upstreams at once; more are not read."""


class Connection(MessageStream):
    """The connection of a client."""

    def __init__(self, server: "TcpServer", address: bytes) -> None:
        super().__init__(server.loop)
        self._server = server
        self.address = address
        """The client's address, as in ``Clients.of``; empty: a server in front itself."""
        self.prefix = b""
        """That of the client, once it is known (``client_prefix``)."""
        self.is_handshaking = server.handshakes is not None
        """Whether no message can pass so far: the handshake of TLS has not ended."""
        self._awaits_header = server.proxies is not None
        self._outstanding = 0
        """Queries without a reply so far."""
        self._replies: list[bytes] = []
        """Gathered replies."""
        self._gathered = 0
        """Octets of the gathered replies."""
        self._immediate = 0
        """The number of gathered replies that did not wait for an upstream."""
        self._waited: list[float] = []
        """When the queries of the other gathered replies were received."""
        self._read_at = 0.0
        """When the current messages were received."""
        self.active = server.loop.time()
        """When a query was last read or answered, or replies taken, by the clock of the loop."""
        self.share: ConnectionShare[Connection] | None = None
        """What the connection is counted for, while it is open."""
        self.handshake: ConnectionShare[Connection] | None = None
        """The same, while it is in its handshake."""
        self._has_session = False
        self._timer: asyncio.TimerHandle | None = None

    def start(self, accepted: socket.socket) -> None:
        """Start to serve a client."""
        self.open(accepted)
        self._check_idle()
        self._server.opened(self)
        proxies = self._server.proxies
        if proxies is not None and not proxies.lists(self.address):
            self._reject()

    def readable(self) -> None:
        """Receive what the kernel has, in a handshake when it is its turn."""
        handshakes = self._server.handshakes
        if self.is_handshaking and handshakes is not None:
            self.read(False)
            handshakes.wait(self)
        else:
            super().readable()

    def take_turn(self) -> None:
        """Go on with the handshake."""
        if not self._has_session and not self._begin_handshake():
            self.close()
            return
        self.read(True)
        super().readable()
        if self.is_established:
            self.is_handshaking = False
            self.active = self.loop.time()
            self._server.established(self)

    def _begin_handshake(self) -> bool:
        """Whether the handshake has begun; it cannot while there is no certificate."""
        handshakes = self._server.handshakes
        session = None if handshakes is None else handshakes.session()
        if session is None:
            return False
        self._has_session = True
        self.start_tls(session)
        return True

    def received(self) -> None:
        """Handle whole messages."""
        if not self._awaits_header or self._read_header():
            self._handle_messages()

    def ended(self) -> None:
        """Keep the connection until all its queries are answered."""
        self._server.flush_later(self)

    def drained(self) -> None:
        """Note that the client reads; go on if it has taken all."""
        self.active = self.loop.time()
        self._server.backlog.note(self, self.unsent)
        self._server.flush_later(self)

    def lost(self) -> None:
        """Forget the connection."""
        if self._timer is not None:
            self._timer.cancel()
        self._server.closed(self)

    def _read_header(self) -> bool:
        """Read the PROXY header at the start of the connection; whether it is there and valid."""
        size = header_size(self.peek(FIXED))
        octets = self.peek(size)
        if len(octets) < size:
            return False
        header = scan(octets)
        if header is None:
            self._reject()
            return False
        self.skip(size)
        self._awaits_header = False
        self.address = header.client
        self._server.identified(self)
        return True

    def _reject(self) -> None:
        self._server.rejected()
        self.close()

    def _handle_messages(self) -> None:
        """Handle the whole messages that were received, while there is room."""
        self._read_at = self.loop.time()
        self._server.begin(self._read_at)
        while self._has_room() and (packet := self.next_message()) is not None:
            self.active = self._read_at
            self._outstanding += 1
            reply = self._server.handle(packet, self, self._read_at)
            if reply is not None:
                self._outstanding -= 1
                self._immediate += 1
                self._gather(reply)
            self._server.flush_later(self)

    def _has_room(self) -> bool:
        return self.is_open and self.is_drained and self._outstanding < MAX_OUTSTANDING

    def _gather(self, packet: bytes) -> None:
        self._replies.append(framed(packet))
        self._gathered += 2 + len(packet)
        if self._gathered >= _BATCH:
            self._write_gathered()

    def _write_gathered(self) -> None:
        """Send the gathered replies; if the client does not take them, there is no room."""
        if self._replies and self.is_open:
            self.write(b"".join(self._replies))
            if not self.is_drained:
                self._server.backlog.note(self, self.unsent)
            self._server.observe_durations(self._read_at, self._immediate, self._waited)
        self._replies.clear()
        self._gathered = self._immediate = 0
        self._waited.clear()

    def flush(self) -> None:
        """Send the gathered replies, and go on with the messages for which there was no room."""
        self._write_gathered()
        self._handle_messages()
        self.read(self._has_room())
        if self._is_answered():
            if self.is_acknowledged:
                self.close()
            else:  # _check_idle closes it
                self.end()

    def _is_answered(self) -> bool:
        """Whether the client asks nothing more, and all replies are sent."""
        waits = self._outstanding or self._replies or not self.is_drained
        return self.has_ended and not waits

    def destination(self, to: object) -> object:
        """Nothing more: a connection has one client."""
        return to

    def send(self, packet: bytes, to: object, received: float) -> None:  # noqa: ARG002 - a connection has one client
        """Send a reply that waited for an upstream, at the end of the iteration."""
        self._waited.append(received)
        self._gather(packet)
        self.done()

    def done(self) -> None:
        """Go on after a query that has its reply, or gets none."""
        self._outstanding -= 1
        self.active = self.loop.time()
        self._server.flush_later(self)

    def _check_idle(self) -> None:
        """Close the connection if it has ended or was idle too long; else check again later."""
        now = self.loop.time()
        is_acknowledged = self.is_acknowledged
        # A query that waits for an upstream, or replies for the client, have this time in any case.
        waits = self._outstanding or not is_acknowledged
        idle_at = self.active + (IDLE if waits else self._server.idle_time)
        if self.is_handshaking:
            idle_at = self.active + min(HANDSHAKE, self._server.idle_time)
        if now >= idle_at or (self._is_answered() and is_acknowledged):
            self.close()
        else:
            self._timer = self.loop.call_at(min(idle_at, now + CROWDED_IDLE), self._check_idle)


class TcpServer:
    """A listening TCP socket and its connections."""

    def __init__(
        self,
        loop: Loop,
        listening: socket.socket,
        handler: QueryHandler,
        counters: Counters,
        proxies: Proxies | None = None,
        handshakes: Handshakes | None = None,
        *,
        is_redirected: bool = False,
    ) -> None:
        """``proxies`` makes the socket a proxied one, ``handshakes`` one of DNS over TLS."""
        self.loop = loop
        self.proxies = proxies
        self.handshakes = handshakes
        self._is_redirected = is_redirected
        self._transport = TCP if handshakes is None else TLS
        self._idle = (IDLE, CROWDED_IDLE) if handshakes is None else (TLS_IDLE, IDLE)
        self._handler = handler
        self._counters = counters
        self._socket = listening
        self.backlog: Final = SendBacklog()
        self._all: ConnectionShare[Connection] = ConnectionShare()
        self._handshaking: ConnectionShare[Connection] = ConnectionShare()
        self._to_flush: dict[Connection, None] = {}
        self._is_short = False
        """Whether a connection could not be accepted, and none was since."""

    def start(self) -> None:
        """Start to accept connections."""
        self._socket.setblocking(False)
        # Connections inherit the sizes of the buffers.
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
        self._socket.listen(_BACKLOG)
        self.loop.on_iteration_end(self._flush)
        self._listen()

    def _listen(self) -> None:
        self.loop.add_fast_reader(self._socket.fileno(), self._accept)

    def _accept(self) -> None:
        """Accept the connections that wait."""
        try:
            for _ in range(_AT_ONCE):
                accepted, peer = self._socket.accept()
                accepted.setblocking(False)
                if self._is_short:
                    self._is_short = False
                    self._counters.not_accepting(-1)
                Connection(self, _octets(*peer)).start(accepted)
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return
        except OSError as error:  # no file descriptor is left, or no memory
            if not self._is_short:
                self._is_short = True
                self._counters.not_accepting(1)
                log.warning("no TCP connection is accepted for now: %s", error)
            self.loop.remove_fast_reader(self._socket.fileno())
            self.loop.call_later(_PAUSE, self._listen)

    @property
    def idle_time(self) -> float:
        """Seconds that a connection may be idle (RFC 7766 section 6.2.3)."""
        return self._idle[self._all.count > MAX_CONNECTIONS // 2]

    def begin(self, received: float) -> None:
        """Begin and end exemptions and hours by now (see ``QueryHandler.begin``)."""
        self._handler.begin(received)

    def handle(self, packet: bytes, connection: Connection, received: float) -> bytes | None:
        """Answer a message of a connection: the reply, or None (see ``QueryHandler.handle``)."""
        client = self._handler.engine.clients.of(connection.address, self._transport)
        if self._is_redirected:
            self._handler.note_redirected(client)
        return self._handler.handle(packet, client, connection, None, received)

    def flush_later(self, connection: Connection) -> None:
        """Flush a connection at the end of the iteration."""
        self._to_flush[connection] = None

    def _flush(self) -> None:
        """Flush connections, and those that have more replies because there is room again."""
        while self._to_flush:
            self._to_flush.popitem()[0].flush()

    def observe_durations(self, received: float, immediate: int, waited: list[float]) -> None:
        """Count the durations of replies that were just sent."""
        now = self.loop.time()
        self._counters.observe_duration(ReplyPath.CACHE, now - received, immediate)
        for arrival in waited:
            self._counters.observe_duration(ReplyPath.UPSTREAM, now - arrival)

    def opened(self, connection: Connection) -> None:
        """Count a new connection; close another if there are too many."""
        if self._all.count >= MAX_CONNECTIONS:
            are_many = self._handshaking.count > HANDSHAKES
            (self._handshaking if are_many else self._all).eviction_candidate().close()
        if self.proxies is None:
            self.identified(connection)
        else:
            connection.share = self._all.add(connection, _NO_VLAN, b"", b"")

    def identified(self, connection: Connection) -> None:
        """Count a connection for its client; close one of the client's if it has too many."""
        self.closed(connection)
        address = connection.address
        view = self._handler.engine.clients.of(address, self._transport).view
        vlan = _NO_VLAN if view is None else view.vlan
        connection.prefix = client_prefix(address)
        share = self._all.add(connection, vlan, connection.prefix, address)
        connection.share = share
        if connection.is_handshaking:
            connection.handshake = self._handshaking.add(
                connection, vlan, connection.prefix, address
            )
        if share.count > TCP_PER_ADDRESS:
            share.eviction_candidate().close()

    def established(self, connection: Connection) -> None:
        """Count a connection in its handshake no more."""
        share, connection.handshake = connection.handshake, None
        if share is not None:
            share.remove(connection)

    def rejected(self) -> None:
        """Count a connection without a valid PROXY header, or not from a listed server."""
        self._counters.proxy_rejected(1)

    def closed(self, connection: Connection) -> None:
        """Count a connection no more."""
        self.backlog.note(connection, 0)
        self.established(connection)
        if self.handshakes is not None:
            self.handshakes.forget(connection)
        share, connection.share = connection.share, None
        if share is not None:
            share.remove(connection)


def _octets(address: str, _port: int, _flow: int = 0, scope: int = 0) -> bytes:
    """The octets of an address, with its IPv6 scope if it has one (``Clients.of``)."""
    octets = socket.inet_pton(family_of(address), address.partition("%")[0])
    return octets + scope.to_bytes(4, sys.byteorder) if scope else octets
