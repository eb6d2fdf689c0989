"""Serve UDP: drain the readable socket, answer each packet, send the replies together.

What is answered at once is written over its query and leaves in one system call with all the
others of its batch. What waits for an upstream leaves at the end of the loop's iteration. A
query takes as long as from the return of the call that received it to the return of the call
that sent its reply.

A socket that listens on all of a host's addresses also learns from the kernel which of them
each packet was sent to, and sends the reply from there.
"""

import socket
import time

from resolver.engine.labels import Path
from resolver.metrics.counters import Counters
from resolver.server.datagrams import SIZE, Batch, Outbox
from resolver.server.handler import QueryHandler
from resolver.server.loop import Loop


class UdpServer:
    """One listening UDP socket."""

    def __init__(
        self, loop: Loop, listening: socket.socket, handler: QueryHandler, counters: Counters
    ) -> None:
        wildcard = listening.getsockname()[0] in ("0.0.0.0", "::")
        if wildcard:
            _ask_for_destinations(listening)
        self._loop = loop
        self._number = listening.fileno()
        self._handler = handler
        self._engine = handler.engine
        self._counters = counters
        self._batch = Batch(listening, wildcard)
        self._outbox = Outbox(listening, wildcard)
        self._received: list[float] = []
        """When the queries came whose replies are in the outbox."""
        ipv6 = listening.family == socket.AF_INET6
        self._address_at, self._address_end = (8, 24) if ipv6 else (4, 8)

    def start(self) -> None:
        """Serve packets from now on."""
        self._loop.on_iteration_end(self.flush)
        self._loop.add_fast_reader(self._number, self._readable)

    def _readable(self) -> None:
        """Answer a batch of packets."""
        batch = self._batch
        count = batch.receive()
        if not count:
            return
        received = time.monotonic()
        octets, origins, lengths = batch.octets, batch.origins, batch.lengths
        writable, reply_lengths = batch.writable, batch.reply_lengths
        engine, handler = self._engine, self._handler
        origin_size, first, last = batch.origin_size, self._address_at, self._address_end
        silent: list[int] = []
        for slot in range(count):
            at = slot * SIZE
            origin = origins[slot * origin_size : (slot + 1) * origin_size]
            client = engine.client(origin[first:last], False)
            packet = octets[at : at + lengths[slot]]
            reply = handler.handle(packet, client, self, origin, received)
            if reply is None:
                silent.append(slot)
            else:
                size = len(reply)
                writable[at : at + size] = reply
                reply_lengths[slot] = size
        answered = count - len(silent)
        if answered:
            batch.send(count, silent)
            self._counters.took(Path.CACHE, time.monotonic() - received, answered)

    def send(self, packet: bytes, to: object, received: float) -> None:
        """Send a reply at the iteration's end; one that cannot go is lost, as any may be."""
        assert isinstance(to, bytes)
        self._received.append(received)
        if self._outbox.put(packet, to):
            self.flush()

    def flush(self) -> None:
        """Send the replies that waited for an upstream."""
        if self._received:
            self._outbox.send()
            now = time.monotonic()
            for each in self._received:
                self._counters.took(Path.UPSTREAM, now - each, 1)
            self._received.clear()

    def done(self) -> None:
        """Do nothing: a datagram leaves nothing behind after its reply."""


_IP_PKTINFO = 8  # Linux's number; the socket module of Python 3.11 does not have it


def _ask_for_destinations(listening: socket.socket) -> None:
    """Have the kernel say of each packet which address it was sent to."""
    if listening.family == socket.AF_INET6:
        listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
    else:
        listening.setsockopt(socket.IPPROTO_IP, _IP_PKTINFO, 1)
