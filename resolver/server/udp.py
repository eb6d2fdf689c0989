"""Serve UDP: receive a batch of packets, answer each, send the replies together.

A reply that does not wait for an upstream is written over its query; one system call sends all
such replies of a batch. The other replies are sent at the end of a loop iteration. The duration
of a query is measured from the return of the receiving call to the return of the sending call.

A wildcard socket (one that listens on all addresses of the host) also receives the destination
address of each packet from the kernel. The reply is sent from this address.

On a proxied socket a PROXY header stands before each query and names the client. The reply goes to
the server in front, without a header.

On a redirected socket each query is counted as one for another resolver, and answered as elsewhere.
"""

import socket
import time
from typing import Final

from resolver.dns.transport import UDP
from resolver.engine.labels import ReplyPath
from resolver.metrics.counters import Counters
from resolver.server.handler import QueryHandler
from resolver.server.proxy import Proxies
from resolver.transport.datagrams import Batch, Outbox
from resolver.transport.loop import Loop
from resolver.transport.mmsg import SLOT_SIZE

_monotonic: Final = time.monotonic


class UdpServer:
    """One listening UDP socket."""

    def __init__(
        self,
        loop: Loop,
        listening: socket.socket,
        handler: QueryHandler,
        counters: Counters,
        proxies: Proxies | None = None,
        *,
        is_redirected: bool = False,
    ) -> None:
        """``proxies`` makes the socket a proxied one."""
        wildcard = listening.getsockname()[0] in ("0.0.0.0", "::")
        if wildcard:
            _enable_destinations(listening)
        self._loop = loop
        self._number = listening.fileno()
        self._handler = handler
        self._engine = handler.engine
        self._counters = counters
        self._proxies = proxies
        self._is_redirected = is_redirected
        self._batch = Batch(listening, wildcard)
        self._outbox = Outbox(listening, wildcard)
        self._received: list[float] = []
        """When the queries were received whose replies are in the outbox."""
        ipv6 = listening.family == socket.AF_INET6
        self._address_at, self._address_end = (8, 28) if ipv6 else (4, 8)  # of IPv6 with the scope

    def start(self) -> None:
        """Start to serve."""
        self._loop.on_iteration_end(self.flush)
        self._loop.add_fast_reader(self._number, self._readable)

    def _readable(self) -> None:
        """Receive a batch of packets, and answer it."""
        batch = self._batch
        count = batch.receive()
        if not count:
            return
        received = _monotonic()
        octets, lengths = batch.octets, batch.lengths[:count].tolist()
        writable, reply_lengths = batch.writable, batch.reply_lengths
        engine, handler, proxies = self._engine, self._handler, self._proxies
        handler.begin(received)
        origin_size, first, last = batch.origin_size, self._address_at, self._address_end
        origins = batch.origins
        no_reply: list[int] = []
        rejected = 0
        for slot in range(count):
            at = slot * SLOT_SIZE
            origin_at = slot * origin_size
            address = origins[origin_at + first : origin_at + last]
            packet = octets[at : at + lengths[slot]]
            if proxies is not None:
                header = proxies.header(address, packet)
                if header is None:
                    no_reply.append(slot)
                    rejected += 1
                    continue
                address, packet = header.client, packet[header.size :]
            client = engine.clients.of(address, UDP)
            if self._is_redirected:
                handler.note_redirected(client)
            reply = handler.handle(packet, client, self, slot, received)
            if reply is None:
                no_reply.append(slot)
            else:
                size = len(reply)
                writable[at : at + size] = reply
                reply_lengths[slot] = size
        if rejected:
            self._counters.proxy_rejected(rejected)
        answered = count - len(no_reply)
        if answered:
            batch.send(count, no_reply)
            self._counters.observe_duration(ReplyPath.CACHE, _monotonic() - received, answered)

    def destination(self, to: object) -> object:
        """The origin of a slot of this batch, which a later reply leaves for."""
        assert isinstance(to, int)
        at = to * self._batch.origin_size
        return self._batch.origins[at : at + self._batch.origin_size]

    def send(self, packet: bytes, to: object, received: float) -> None:
        """Send a reply at the end of the iteration; if it cannot be sent, it is lost."""
        assert isinstance(to, bytes)
        self._received.append(received)
        if self._outbox.put(packet, to):
            self.flush()

    def flush(self) -> None:
        """Send the replies in the outbox."""
        if self._received:
            self._outbox.send()
            now = _monotonic()
            for arrival in self._received:
                self._counters.observe_duration(ReplyPath.UPSTREAM, now - arrival, 1)
            self._received.clear()

    def done(self) -> None:
        """Do nothing: there is no connection to go on with."""


_IP_PKTINFO: Final = 8  # Linux's number; the socket module of Python 3.11 does not have it


def _enable_destinations(listening: socket.socket) -> None:
    """Make the kernel report the destination address of each packet."""
    if listening.family == socket.AF_INET6:
        listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
    else:
        listening.setsockopt(socket.IPPROTO_IP, _IP_PKTINFO, 1)
