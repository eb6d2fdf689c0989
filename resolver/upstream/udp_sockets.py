"""UDP sockets to upstream servers, with ports that nobody can guess.

A socket is connected to one server, so the kernel drops packets from other addresses. A socket
carries at most ``USES`` queries, and takes new ones for at most ``LIFE`` seconds. Under load,
queries are spread at random over ``OPEN`` sockets; else each query has a port of its own. IDs are
random too, and each is used only once on a socket (RFC 5452 section 9.2).

The packets that are received in an iteration of the loop are handled together at its end. Then
all gathered queries are sent. ``transport.loop`` says what that saves.

A second answer to a query is reported with the first one, which alone counts. It is seen while its
socket is open: for ``LIFE`` seconds from the first query of the socket, not after its last use, and
only until the socket receives the answer to another query. So up to some sixty queries a second to
a server all are seen, and of many only a part; none after a query that had a socket of its own.
"""

import socket
from collections.abc import Callable
from typing import Final, Generic, TypeVar

from resolver.exchange.servers import Server
from resolver.policy.filter_addresses import FilterAddresses
from resolver.system.log import log
from resolver.transport.loop import Loop
from resolver.upstream.client_socket import bind_source_address
from resolver.upstream.random_ids import RandomIds
from resolver.upstream.server_address import socket_address

USES: Final = 8
OPEN: Final = 64
LIFE: Final = 1.0
"""In seconds."""
_MAX_PACKET: Final = 4096
"""In octets."""

Waiting = TypeVar("Waiting")
"""What waits for an answer."""


class UdpSocket(Generic[Waiting]):
    """One socket, and what waits for answers on it."""

    __slots__ = (
        "_pool",
        "answer",
        "awaited",
        "number",
        "of_filter",
        "opened",
        "retired",
        "server",
        "socket",
        "uses",
        "waiting",
    )

    def __init__(self, pool: "UdpSocketPool[Waiting]", server: Server, now: float) -> None:
        """Open a socket to a server; OSError without a route to it or the address to ask from."""
        family = socket.AF_INET6 if ":" in server.address else socket.AF_INET
        # The base class of socket.socket is faster, and a socket lives for eight queries only.
        self.socket = socket.SocketType(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        try:
            if server.source_address:
                bind_source_address(self.socket, server.source_address)
            self.socket.connect(socket_address(server.address, server.port))
        except OSError:
            self.socket.close()
            raise
        self._pool = pool
        self.server = server
        self.number = self.socket.fileno()
        self.opened = now
        """In monotonic seconds."""
        self.uses = 0
        self.retired = False
        """Whether it takes no more queries."""
        self.waiting: dict[int, Waiting | None] = {}
        """What waits for an answer, by ID; None for a used ID that nothing waits for.

        An answer with a used ID is late; one with another ID may be forged."""
        self.awaited = 0
        """The number of answers that are awaited."""
        self.answer = b""
        """The last packet that something has waited for; empty after it was reported again."""
        self.of_filter: FilterAddresses | None = None
        """The filter that may have sent it."""

    @property
    def progress_at(self) -> float:
        """A packet comes whole, or not at all."""
        return 0.0

    def all_waiting(self) -> list[Waiting]:
        """All that waits for an answer on this socket."""
        return [waiting for waiting in self.waiting.values() if waiting is not None]

    def stop_waiting(self, ident: int) -> Waiting | None:
        """Wait no longer for the answer with this ID: what waited for it, if anything did.

        A retired socket is closed when nothing waits on it.
        """
        waiting = self.waiting.get(ident)
        if waiting is not None:
            self.waiting[ident] = None
            self.awaited -= 1
            if self.retired and not self.awaited:
                self.close()
        return waiting

    def keep_late(self, ident: int, began: float) -> None:
        """Do nothing: a socket keeps no room for queries."""

    def retire(self) -> None:
        """Take no more queries; close when nothing waits."""
        self.retired = True
        if not self.awaited:
            self.close()

    def close(self) -> None:
        """Close the socket."""
        if self.number >= 0:
            self.socket.close()
            self._pool.loop.remove_closed(self.number)
            self.number = -1

    def readable(self) -> None:
        """Receive a packet, which the pool handles at the end of the iteration."""
        try:
            packet = self.socket.recv(_MAX_PACKET)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:  # an ICMP error: no server listens there
            self._pool.refused(self.all_waiting())
            return
        if len(packet) >= 2:
            self._pool.received.append((self, packet))


class UdpSocketPool(Generic[Waiting]):
    """The sockets of a worker to all servers."""

    def __init__(
        self,
        loop: Loop,
        receive: Callable[[Waiting, bytes, float], FilterAddresses | None],
        repeat: Callable[[Server, bytes, bytes, FilterAddresses | None], None],
        suspect: Callable[[list[Waiting]], None],
        refused: Callable[[list[Waiting]], None],
        unsent: Callable[[Waiting], None],
    ) -> None:
        """Set the functions that events are reported to.

        ``receive`` gets what has waited for a packet, the packet, and the time, and returns the
        filter that may be on its path. ``repeat`` gets the server, the packet, another one with its
        ID that came later, and that filter. ``suspect`` gets all that waits on a socket after a
        packet that may be forged, ``refused`` after an ICMP error (port unreachable). ``unsent``
        gets what waits for the answer to a query that could not be sent.
        """
        self.loop = loop
        self._receive = receive
        self._repeat = repeat
        self._suspect = suspect
        self.refused = refused
        self._unsent = unsent
        self.received: list[tuple[UdpSocket[Waiting], bytes]] = []
        """The packets of this iteration."""
        self._to_send: list[tuple[UdpSocket[Waiting], int, bytes]] = []
        loop.on_iteration_end(self._handle_received)
        loop.on_iteration_end(self._send_all)
        self._random = RandomIds()
        self._open: dict[Server, list[UdpSocket[Waiting]]] = {}
        """The sockets that take queries, the oldest first."""

    def send(
        self, server: Server, message: bytes, waiting: Waiting, now: float, own_socket: bool = False
    ) -> tuple[UdpSocket[Waiting], int]:
        """Send a query (given without its ID) at the end of the iteration: the socket and the ID.

        ``own_socket``: use a socket for this query only. OSError if no socket can be opened.
        """
        chosen = self._choose(server, now, own_socket)
        ident = self._random.u16()
        while ident in chosen.waiting:
            ident = self._random.u16()
        chosen.uses += 1
        if chosen.uses >= USES and not chosen.retired:
            chosen.retired = True
            self._open[server].remove(chosen)
        chosen.waiting[ident] = waiting
        chosen.awaited += 1
        self._to_send.append((chosen, ident, message))
        return chosen, ident

    def _handle_received(self) -> None:
        """Report the packets that were received in this iteration."""
        if not self.received:
            return
        received, self.received = self.received, []
        now = self.loop.time()
        for udp_socket, packet in received:
            ident = packet[0] << 8 | packet[1]
            waiting = udp_socket.stop_waiting(ident)
            try:
                if waiting is not None:
                    udp_socket.answer = packet
                    udp_socket.of_filter = self._receive(waiting, packet, now)
                elif ident not in udp_socket.waiting:
                    self._suspect(udp_socket.all_waiting())
                elif packet[:2] == udp_socket.answer[:2]:
                    self._compare(udp_socket, packet)
            except Exception:  # an error for one packet must not lose the others
                log.exception("a response could not be handled")

    def _compare(self, udp_socket: UdpSocket[Waiting], packet: bytes) -> None:
        """Report a packet after the answer with its ID, unless it is the same packet; only once."""
        answer = udp_socket.answer
        if packet != answer:
            udp_socket.answer = b""
            self._repeat(udp_socket.server, answer, packet, udp_socket.of_filter)

    def _send_all(self) -> None:
        """Send the gathered queries, and those that follow a query that cannot be sent."""
        while self._to_send:
            to_send, self._to_send = self._to_send, []
            for chosen, ident, message in to_send:
                try:
                    chosen.socket.send(ident.to_bytes(2, "big") + message)
                except OSError as error:
                    self._fail(chosen, ident, error)

    def _fail(self, chosen: UdpSocket[Waiting], ident: int, error: OSError) -> None:
        """Report a query that could not be sent."""
        try:
            waiting = chosen.waiting.get(ident)
            if isinstance(error, ConnectionRefusedError):  # the ICMP error after an earlier query
                self.refused(chosen.all_waiting())
            elif waiting is not None:  # else its exchange ended before it was sent
                self._unsent(waiting)
        except Exception:  # an error for one query must not stop the others
            log.exception("an unsent query could not be reported")

    def sweep(self, now: float) -> None:
        """Retire the sockets that are older than ``LIFE``; close those on which nothing waits."""
        for sockets in self._open.values():
            self._retire_old(sockets, now)

    def _choose(self, server: Server, now: float, own_socket: bool) -> UdpSocket[Waiting]:
        sockets = self._open.get(server)
        if sockets is None:
            sockets = self._open[server] = []
        elif sockets and now - sockets[0].opened >= LIFE:
            self._retire_old(sockets, now)
        if len(sockets) < OPEN or own_socket:
            try:
                return self._new(server, sockets, now, own_socket)
            except OSError:  # no file descriptor is left, or there is no route to the server
                if not sockets:
                    raise
        return sockets[self._random.u16() % len(sockets)]

    def _new(
        self, server: Server, sockets: list[UdpSocket[Waiting]], now: float, own_socket: bool
    ) -> UdpSocket[Waiting]:
        opened: UdpSocket[Waiting] = UdpSocket(self, server, now)
        self.loop.add_fast_reader(opened.number, opened.readable)
        opened.retired = own_socket
        if not own_socket:
            sockets.append(opened)
        return opened

    def _retire_old(self, sockets: list[UdpSocket[Waiting]], now: float) -> None:
        while sockets and now - sockets[0].opened >= LIFE:
            sockets.pop(0).retire()
