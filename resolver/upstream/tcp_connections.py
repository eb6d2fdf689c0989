"""TCP and TLS connections to upstream servers, shared by the queries that need them.

A server over TLS has connections over TLS alone. They differ from the others in little: queries
wait until the server is verified, and are padded; a connection is kept for ``TLS_IDLE`` seconds,
since another handshake costs more; after a failed handshake, as with a wrong certificate, no other
one begins for ``_AFTER_FAILURE`` seconds.

Queries are pipelined and answered in any order (RFC 7766 section 6.2.1.1). A server has at most
``MAX_CONNECTIONS`` connections. A further one is opened while each has ``SPREAD`` queries and none
makes progress, since a lost packet holds up all queries of a connection; or while each has one, for
a query that was asked before and lost. While answers come, another connection would wait behind
them on a slow link, and take their place there: it is opened only where each has ``CROWD`` queries,
and while segments are full ``_NEXT_CONNECTION`` seconds after the one before. Segments that are not
full have not waited for the link: the server bounds what it does at a time for one connection.

An idle connection is closed after ``IDLE`` seconds. If ``MAX_WAITING`` queries wait, a VLAN that
has fewer than ``OWN`` of them adds to them; a query of another goes over UDP again. So an attacker
who forces queries to TCP by forged packets cannot exhaust the server, and a VLAN whose queries get
no answers cannot keep others from TCP.

A connection that has given nothing since a query was sent, until the time of that query is over,
takes no more queries, since its server may have restarted, or packets are lost. It stays open for
late answers, one of at most ``MAX_CONNECTIONS`` such connections; of ``MAX_SILENT`` if the server
answers on others. One more closes the oldest, made or not; its server has not failed by that. One
that answers takes queries again, unless ``MAX_CONNECTIONS`` others do.

A connection has up to ``HANDSHAKES`` handshakes at a time, so that a lost packet costs no second.
The query is sent on the one that is made first, and the others are closed without a query.

Some servers close a connection after a few answers, whatever else was asked on it. The pool notes
how many, and puts no more queries than that on one connection while it may open another. A server
that closes an idle connection says nothing by it.
"""

import asyncio
import socket
from collections.abc import Callable
from typing import Final, Generic, Protocol, TypeVar

from resolver.exchange.edns import padded
from resolver.exchange.round import makes_progress
from resolver.exchange.servers import Server
from resolver.transport.loop import Loop
from resolver.transport.stream import MessageStream, framed
from resolver.transport.tls_session import TlsSession
from resolver.upstream.client_socket import open_client_socket
from resolver.upstream.random_ids import RandomIds
from resolver.upstream.server_address import socket_address
from resolver.upstream.tls_client import TlsClient

MAX_WAITING: Final = 1024
"""Queries to a server, on all connections."""
SPREAD: Final = 8
CROWD: Final = 64
MAX_CONNECTIONS: Final = 8
MAX_SILENT: Final = 64
"""Where half of the packets are lost, a connection and its answer take some seconds."""
OWN: Final = 16
"""Queries to a server over TCP that a VLAN may have where too many wait."""
IDLE: Final = 5.0
"""In seconds."""
TLS_IDLE: Final = 60.0
"""In seconds."""
_AFTER_FAILURE: Final = 1.0
"""In seconds."""
_NEXT_CONNECTION: Final = 1.0
"""In seconds."""
_FULL: Final = 1000
"""Octets of a segment to which no further answer may have fitted; it has 1,220 at most."""
_IDLE_CLOSE: Final = 1.0
"""Seconds without an answer, after which a closed connection was closed since it was idle."""
_ANSWERS: Final = 1.0
"""Seconds without an answer, after which a server does not count as one that answers."""
HANDSHAKES: Final = 4
"""For one connection, at most, of which one is used."""
_NEXT_HANDSHAKE: Final = 0.1
"""Seconds until another handshake begins, at least."""
_CONNECT: Final = 10.0
"""Seconds in which a connection must be made."""


class OfVlan(Protocol):
    """What a client of a VLAN waits for."""

    vlan: int


Waiting = TypeVar("Waiting", bound=OfVlan)
"""What waits for an answer."""


class TcpConnection(MessageStream, Generic[Waiting]):
    """One connection, and what waits for answers on it."""

    def __init__(self, pool: "TcpConnectionPool[Waiting]") -> None:
        super().__init__(pool.loop)
        self._pool = pool
        self._frames: list[bytes] = []
        """Queries that are gathered for one write."""
        self._idle: asyncio.TimerHandle | None = None
        self.waiting: dict[int, Waiting] = {}
        """What waits for an answer, by ID."""
        self.late: dict[int, Waiting] = {}
        """What waits for a late answer, by ID; it takes no room of others."""
        self.answered = 0
        """The number of messages that were received."""
        self.last_answer_at = 0.0
        """When the last one was received (monotonic seconds)."""
        self._progress_at = 0.0
        self.fills_segments = False
        """Whether what was received last filled a segment."""
        self.is_silent = False
        """Whether it takes no more queries, since it has given nothing for too long."""
        self.is_given_up = False
        """Whether it was closed since there were too many silent ones."""
        self.closed = False
        self._tls_session: TlsSession | None = None

    @property
    def progress_at(self) -> float:
        """When it was made, or received anything, last (monotonic seconds)."""
        return self._progress_at

    @property
    def failed_handshake(self) -> bool:
        """Whether TLS failed before the server was verified."""
        session = self._tls_session
        return session is not None and not session.is_established and session.error != ""

    def connected(self, to: socket.socket, session: TlsSession | None) -> None:
        """Use a connected socket, with TLS or without, for what was asked and is asked from now."""
        self._tls_session = session
        self._progress_at = self.loop.time()
        self.open(to, session)
        self.flush()
        self.close_when_idle()  # all that waited may have given up

    def ask(self, ident: int, message: bytes, waiting: Waiting) -> None:
        """Send a query (given without its ID) at the end of the iteration, or when connected."""
        self.waiting[ident] = waiting
        self._frames.append(framed(ident.to_bytes(2, "big") + message))
        self._cancel_idle_timer()

    def flush(self) -> None:
        """Send the gathered queries."""
        if self._frames and self.is_open:
            self.write(b"".join(self._frames))
            self._frames.clear()

    def keep_late(self, ident: int, began: float) -> None:
        """Wait for a late answer to a query that was sent at ``began``; no room is kept for it."""
        self.late[ident] = self.waiting.pop(ident)
        if self.last_answer_at < began and not self.is_silent and not self.closed:
            self.is_silent = True
            self._pool.silent(self)

    def all_waiting(self) -> list[Waiting]:
        """All that waits for an answer on this connection."""
        return [*self.waiting.values(), *self.late.values()]

    def stop_waiting(self, ident: int) -> Waiting | None:
        """Wait no longer for the answer with this ID: what waited for it, if anything did."""
        waiting = self.waiting.pop(ident, None) or self.late.pop(ident, None)
        if waiting is not None and self.is_open:
            self.close_when_idle()
        return waiting

    def close_when_idle(self) -> None:
        """Close the connection if nothing waits on it for the idle time."""
        if not self.waiting and not self.late:
            self._cancel_idle_timer()
            keeps_tls = self._tls_session is not None and self.answered
            self._idle = self.loop.call_later(TLS_IDLE if keeps_tls else IDLE, self.close)

    def fail(self) -> None:
        """Report once that the connection has ended, or could not be made."""
        self._cancel_idle_timer()  # timer and connection refer to each other
        if not self.closed:
            self.closed = True
            self._pool.lost(self)

    def _cancel_idle_timer(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None

    def readable(self) -> None:
        """Receive what the kernel has, once."""
        self._progress_at = self.loop.time()
        super().readable()

    def received(self) -> None:
        """Report whole messages."""
        self.fills_segments = len(self._received) >= _FULL
        while (packet := self.next_message()) is not None:
            if len(packet) >= 2:
                self.answered += 1
                self.last_answer_at = self._pool.last_answer_at = self.loop.time()
                if self.is_silent:
                    self._pool.answers_again(self)
                waiting = self.stop_waiting(packet[0] << 8 | packet[1])
                if waiting is not None:
                    self._pool.receive(waiting, packet, self.last_answer_at)

    def ended(self) -> None:
        """Close the connection: no more answers come."""
        self.close()

    def drained(self) -> None:
        """Do nothing: queries do not wait until the server takes more."""

    def lost(self) -> None:
        """Report that the connection has ended."""
        if self._tls_session is not None:
            self._pool.keep(self._tls_session)
        self.fail()


class TcpConnectionPool(Generic[Waiting]):
    """The connections to one server."""

    def __init__(
        self,
        loop: Loop,
        server: Server,
        receive: Callable[[Waiting, bytes, float], object],
        lost: Callable[[TcpConnection[Waiting]], None],
    ) -> None:
        """``receive`` gets what has waited for a message, the message, and the time.

        ``lost`` gets a connection that has ended.
        """
        self.loop = loop
        self._server = server
        self.receive = receive
        self._report_lost = lost
        self._tls = TlsClient(server) if server.tls_name else None
        self._failing_until = 0.0
        """Until then no other connection is opened, after a failed handshake."""
        self.last_answer_at = 0.0
        """When the last message was received on any connection (monotonic seconds)."""
        self._opened_at = 0.0
        """When the last connection was opened."""
        self._random = RandomIds()
        self._most = SPREAD
        """The queries on one connection, while another may be opened."""
        self._open: list[TcpConnection[Waiting]] = []
        self._silent: list[TcpConnection[Waiting]] = []
        """The oldest is first."""
        self._connecting: dict[TcpConnection[Waiting], asyncio.Task[None]] = {}
        self._to_flush: dict[TcpConnection[Waiting], None] = {}
        loop.on_iteration_end(self._flush)

    def send(
        self, message: bytes, waiting: Waiting, alone: bool = False
    ) -> tuple[TcpConnection[Waiting], int] | None:
        """Send a query over a connection with room: connection and ID; None if all are full.

        ``alone``: over one on which no other waits, while another may be opened. OSError after a
        failed handshake.
        """
        if self._tls is not None:
            message = padded(message)
        connection = self._choose(waiting.vlan, alone)
        if connection is None:
            return None
        ident = self._random.u16()
        while ident in connection.waiting or ident in connection.late:
            ident = self._random.u16()
        connection.ask(ident, message, waiting)
        self._to_flush[connection] = None
        return connection, ident

    def _choose(self, vlan: int, alone: bool) -> TcpConnection[Waiting] | None:
        """The connection for a query; None if there is no room for it."""
        least = _least(self._open)
        if least is not None and len(least.waiting) < (1 if alone else self._most):
            return least
        now = self.loop.time()
        fails = now < self._failing_until
        if least is None and fails:
            raise ConnectionError
        progressing = [] if alone else self._progressing(now)
        if progressing and not self._is_another_due(progressing, now):
            least = _least(progressing)
        elif least is None or (len(self._open) < MAX_CONNECTIONS and not fails):
            return self._new()
        is_full = sum(len(connection.waiting) for connection in self._open) >= MAX_WAITING
        return None if is_full and self._held_by(vlan) >= OWN else least

    def _progressing(self, now: float) -> list[TcpConnection[Waiting]]:
        """The connections that make progress; none if each is closed after so many answers."""
        if self._most < SPREAD:
            return []
        return [
            connection
            for connection in self._open
            if makes_progress(self._server, connection.progress_at, now)
        ]

    def _is_another_due(self, progressing: list[TcpConnection[Waiting]], now: float) -> bool:
        """Whether another connection is worth its place on the link while these progress."""
        if self._connecting or any(len(connection.waiting) < CROWD for connection in progressing):
            return False
        is_link_full = any(connection.fills_segments for connection in progressing)
        return not is_link_full or now >= self._opened_at + _NEXT_CONNECTION

    def _held_by(self, vlan: int) -> int:
        """The queries of a VLAN on the connections; those that are late do not count."""
        return sum(w.vlan == vlan for connection in self._open for w in connection.waiting.values())

    def silent(self, connection: TcpConnection[Waiting]) -> None:
        """Send no more queries over a connection, which gives nothing."""
        self._open.remove(connection)
        self._silent.append(connection)
        answers = self.loop.time() < self.last_answer_at + _ANSWERS
        while len(self._silent) > (MAX_SILENT if answers else MAX_CONNECTIONS):
            oldest = self._silent[0]
            oldest.is_given_up = True
            oldest.close()
            oldest.fail()  # also if it is not made yet

    def answers_again(self, connection: TcpConnection[Waiting]) -> None:
        """Send queries over a connection again that was silent, unless enough others are open.

        Where many packets are lost, it is worth more than a new one, whose handshake may be lost.
        """
        if len(self._open) < MAX_CONNECTIONS:
            self._silent.remove(connection)
            self._open.append(connection)
            connection.is_silent = False

    def _new(self) -> TcpConnection[Waiting]:
        connection = TcpConnection(self)
        self._opened_at = self.loop.time()
        self._open.append(connection)
        self._connecting[connection] = self.loop.create_task(self._connect(connection))
        return connection

    def _flush(self) -> None:
        """Send the gathered queries, and those that follow the loss of a connection."""
        while self._to_flush:
            self._to_flush.popitem()[0].flush()

    def lost(self, connection: TcpConnection[Waiting]) -> None:
        """Report a connection that has ended."""
        (self._silent if connection.is_silent else self._open).remove(connection)
        connecting = self._connecting.pop(connection, None)
        if connecting is not None:
            connecting.cancel()
        now = self.loop.time()
        if connection.failed_handshake:
            self._failing_until = now + _AFTER_FAILURE
        was_idle = connection.last_answer_at < now - _IDLE_CLOSE
        if connection.waiting and connection.answered and not (connection.is_silent or was_idle):
            self._most = min(self._most, connection.answered)
        self._report_lost(connection)

    def keep(self, session: TlsSession) -> None:
        """Keep what a session that has ended can be resumed by."""
        if self._tls is not None:
            self._tls.keep(session)

    async def _connect(self, connection: TcpConnection[Waiting]) -> None:
        try:
            made = await self._connected()
        except OSError:  # or TimeoutError
            made = None
        del self._connecting[connection]
        if made is None:
            connection.fail()
        else:
            connection.connected(made, None if self._tls is None else self._tls.begin())

    async def _connected(self) -> socket.socket:
        """A socket that is connected to the server; OSError, also if no descriptor is left.

        The kernel sends a lost packet of a handshake again after a second. Where the server usually
        answers sooner, another handshake begins sooner; the first that is made is used.
        """
        begun: list[asyncio.Task[socket.socket]] = []
        ended: asyncio.Task[socket.socket] | None = None
        try:
            while ended is None:
                if len(begun) < HANDSHAKES:
                    begun.append(self.loop.create_task(self._handshake()))
                left = len(begun) < HANDSHAKES
                wait = max(_NEXT_HANDSHAKE, self._server.rto_base) if left else None
                done, _ = await asyncio.wait(
                    begun, timeout=wait, return_when=asyncio.FIRST_COMPLETED
                )
                ended = next(iter(done), None)
            return ended.result()
        finally:
            for task in begun:
                if task is not ended:
                    _end(task)

    async def _handshake(self) -> socket.socket:
        """A socket that is connected to the server, after one handshake; OSError."""
        server = self._server
        made = open_client_socket(server.address, server.source_address, socket.SOCK_STREAM)
        try:
            async with asyncio.timeout(_CONNECT):
                address = socket_address(server.address, server.port)
                await self.loop.sock_connect(made, address)
        except BaseException:  # it may be cancelled
            made.close()
            raise
        return made


def _least(connections: list[TcpConnection[Waiting]]) -> TcpConnection[Waiting] | None:
    """The connection with the fewest queries, rather one that is made; None without any."""
    return min(
        connections,
        key=lambda connection: (len(connection.waiting), not connection.is_open),
        default=None,
    )


def _end(handshake: asyncio.Task[socket.socket]) -> None:
    """End a handshake that is not needed, or close the socket that it has made."""
    if not handshake.done():
        handshake.cancel()
    elif not handshake.cancelled() and handshake.exception() is None:
        handshake.result().close()


class TcpConnections(Generic[Waiting]):
    """The connections to all servers; ``receive`` and ``lost`` as in a pool."""

    def __init__(
        self,
        loop: Loop,
        receive: Callable[[Waiting, bytes, float], object],
        lost: Callable[[TcpConnection[Waiting]], None],
    ) -> None:
        self._loop = loop
        self._receive = receive
        self._lost = lost
        self._pools: dict[Server, TcpConnectionPool[Waiting]] = {}

    def send(
        self, server: Server, message: bytes, waiting: Waiting, alone: bool = False
    ) -> tuple[TcpConnection[Waiting], int] | None:
        """Send a query to a server, as a pool does: connection and ID; None if all are full."""
        pool = self._pools.get(server)
        if pool is None:
            pool = TcpConnectionPool(self._loop, server, self._receive, self._lost)
            self._pools[server] = pool
        return pool.send(message, waiting, alone)
