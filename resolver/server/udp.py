"""The UDP edge: drain the readable socket, answer each packet, send what has come of it.

The hot loop is here. A prepared answer is looked up by the client's address and the octets
after the ID, and written over the query after its ID: two look-ups, two copies and one cell
of a counter. What else can be answered at once is written from here as well, since a call
costs; all of that leaves in one system call. Only what waits for an upstream goes to the
desk. The time that a query took is that of its batch, shared among those answered in it.

A socket of one address needs nothing more. One that listens on all of a host's addresses
must learn of each packet which of them was asked, since the reply has to leave from there.
"""

import contextlib
import socket
import time
from typing import Any

from resolver.engine.engine import Resolver
from resolver.engine.labels import Path
from resolver.engine.replies import unheard
from resolver.engine.transaction import Client, Drop, Forward, Reply, Source
from resolver.metrics.counters import Counters
from resolver.metrics.log import log
from resolver.server.datagrams import SLOTS, Batch, Outbox
from resolver.server.handler import Desk
from resolver.server.loop import Loop

_LARGEST = 65535
_CLIENTS = 65536
"""Addresses remembered; when there are more the memory starts anew."""


class UdpServer:
    """One listening UDP socket."""

    def __init__(
        self,
        loop: Loop,
        listening: socket.socket,
        desk: Desk,
        resolver: Resolver,
        counters: Counters,
    ) -> None:
        self._loop = loop
        self._socket = listening
        self._desk = desk
        self._resolver = resolver
        self._counters = counters
        self._batch = Batch(listening)
        self._outbox = Outbox(listening)

    def start(self) -> None:
        """Take packets from now on."""
        self._loop.at_rounds(self._outbox.send)
        self._loop.attend(self._socket.fileno(), self._readable)

    def _readable(self) -> None:
        batch = self._batch
        count = batch.receive()
        if not count:
            return
        octets, names = batch.octets, batch.names
        lengths, writable, reply_lengths = batch.lengths, batch.writable, batch.reply_lengths
        resolver, clients, cells = self._resolver, self._resolver.clients, self._counters.cells
        at_once = resolver.short_way.answer
        began = now = time.monotonic()
        prepared = others = 0
        silent = []
        for slot, at, address_at in batch.slots[:count]:
            end = at + lengths[slot]
            address = names[address_at]
            client = clients.get(address) or self._newcomer(address)
            bucket = client.bucket
            if bucket.left < 1 and not bucket.fill():
                result: Reply | Forward | Drop = unheard(client.view)
            else:
                bucket.left -= 1
                answer = client.shelf.answers.get(octets[at + 2 : end])
                if answer is not None and (now < answer.due or answer.renew(now)):
                    answer.used = True
                    tail = answer.tail
                    size = 2 + len(tail)
                    writable[at + 2 : at + size] = tail
                    reply_lengths[slot] = size
                    cells[answer.counted.cell] += 1
                    prepared += 1
                    continue
                packet = octets[at:end]
                try:
                    quick = at_once(client, packet, now)
                    if quick is None:
                        result = resolver.with_care(client, packet, now)
                        others += isinstance(result, Reply)
                except Exception:  # a fault of ours costs its own query, not the others' replies
                    log.exception("a query could not be handled")
                    quick, result = None, unheard(client.view)
                if isinstance(quick, Forward):
                    result = quick
                elif quick is not None:
                    reply, counted = quick
                    size = len(reply)
                    writable[at : at + size] = reply
                    reply_lengths[slot] = size
                    cells[counted.cell] += 1
                    others += 1
                    continue
            silent.append(slot)
            try:
                self._desk.follow(result, self, batch.name(slot), now)
            except Exception:
                log.exception("a query could not be carried further")
        batch.send(count, silent)
        if prepared or others:
            took = (time.monotonic() - began) / (prepared + others)
            self._counters.took(Path.PREPARED, took, prepared)
            self._counters.took(Path.CACHE, took, others)

    def _newcomer(self, address: bytes) -> Client:
        clients = self._resolver.clients
        if len(clients) >= _CLIENTS:
            clients.clear()
        text = socket.inet_ntop(self._socket.family, address)
        client = clients[address] = self._resolver.client(Source(text, False))
        return client

    def send(self, packet: bytes, to: Any) -> None:  # noqa: ANN401 - an address, as the socket gave it
        """Send a reply at the round's end; one that cannot go is lost, as any datagram may be."""
        self._outbox.put(packet, to)

    def done(self) -> None:
        """A datagram has nothing to tidy up after its reply."""


class WildcardUdpServer(UdpServer):
    """One UDP socket that listens on every address of its family."""

    def start(self) -> None:
        """Take packets from now on, with the address that each was sent to."""
        if self._socket.family == socket.AF_INET6:
            self._socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
        else:
            self._socket.setsockopt(socket.IPPROTO_IP, _IP_PKTINFO, 1)
        super().start()

    def _readable(self) -> None:
        for _ in range(SLOTS):
            try:
                packet, ancillary, _, client = self._socket.recvmsg(_LARGEST, _ANCILLARY)
            except (BlockingIOError, InterruptedError):
                return
            except OSError:
                continue
            asked = [_reply_from(*each) for each in ancillary]
            now = time.monotonic()
            source = Source(client[0], False)
            path = self._desk.take(packet, source, self, (asked, client), now)
            if path is not None:
                self._counters.took(path, time.monotonic() - now)

    def send(self, packet: bytes, to: Any) -> None:  # noqa: ANN401 - as _readable gave it
        """Send a reply, from the address that was asked."""
        asked, client = to
        with contextlib.suppress(OSError):
            self._socket.sendmsg((packet,), asked, 0, client)


_IP_PKTINFO = 8  # Linux's number; the socket module of Python 3.11 does not have it
_ANCILLARY = 128


def _reply_from(level: int, kind: int, data: bytes) -> tuple[int, int, bytes]:
    """The control message that makes a reply leave from where its query arrived.

    IPv4's struct in_pktinfo is index, local address, header's destination: sent back, the
    second is the source, and the third must not be set. IPv6's is address and index.
    """
    if level == socket.IPPROTO_IP:
        return level, kind, bytes(4) + data[8:12] + bytes(4)
    return level, kind, data


def serve(
    loop: Loop,
    listening: socket.socket,
    desk: Desk,
    resolver: Resolver,
    counters: Counters,
) -> None:
    """Serve a socket as its address needs, from now on."""
    wildcard = listening.getsockname()[0] in ("0.0.0.0", "::")
    kind = WildcardUdpServer if wildcard else UdpServer
    kind(loop, listening, desk, resolver, counters).start()
