"""The UDP edge: drain the readable socket, hand each packet in, send what comes back.

The hot loop is here. A prepared answer is looked up by the client's address and the octets
after the ID, and sent with the new ID before it: two dictionary look-ups, one slice, one
cell of a counter, between two system calls. What else can be answered at once is sent from
here as well, since a call costs; only what waits for an upstream goes to the desk. The time that
a query took is that of its batch, shared among those that were answered in it.

A socket of one address needs nothing more. One that listens on all of a host's addresses
must learn of each packet which of them was asked, since the reply has to leave from there.
"""

import asyncio
import contextlib
import socket
import time
from typing import Any

from resolver.answers.tally import Path
from resolver.query import Resolver
from resolver.server.desk import Desk
from resolver.telemetry.counters import Counters
from resolver.transaction import Reply, Source

_AT_ONCE = 64
"""Packets taken before other sockets get their turn."""
_LARGEST = 65535


class UdpServer:
    """One listening UDP socket."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        listening: socket.socket,
        desk: Desk,
        resolver: Resolver,
        counters: Counters,
    ) -> None:
        self._loop = loop
        self._socket = listening
        self._desk = desk
        self._resolver = resolver
        self._clients = resolver.clients
        self._counters = counters

    def start(self) -> None:
        """Take packets from now on."""
        self._loop.add_reader(self._socket.fileno(), self._readable)

    def _readable(self) -> None:
        receive, send = self._socket.recvfrom, self._socket.sendto
        clients, cells = self._clients, self._counters.cells
        resolve, cell = self._resolver.answer, self._counters.cell
        began = now = time.monotonic()
        prepared = at_once = 0
        for _ in range(_AT_ONCE):
            try:
                packet, address = receive(_LARGEST)
            except (BlockingIOError, InterruptedError):
                break
            except OSError:
                continue  # an ICMP error of an earlier reply; the socket itself is well
            client = clients.get(address[0])
            if client is not None:
                answer = client.shelf.answers.get(packet[2:])
                if answer is not None and now < answer.until and client.bucket.take():
                    if now >= answer.ages_at:
                        answer.age(now)
                    with contextlib.suppress(OSError):
                        send(packet[:2] + answer.tail, address)
                    cells[answer.cell] += 1
                    prepared += 1
                    continue
                source = client.source
            else:
                source = Source(address[0], False)
            result = resolve(packet, source, now)
            if isinstance(result, Reply) and result.refresh is None:
                with contextlib.suppress(OSError):
                    send(result.packet, address)
                cells[cell(result.tally)] += 1
                at_once += 1
            else:
                self._desk.follow(result, self, address, now)
        if prepared or at_once:
            took = (time.monotonic() - began) / (prepared + at_once)
            self._counters.took(Path.PREPARED, took, prepared)
            self._counters.took(Path.CACHE, took, at_once)

    def send(self, packet: bytes, to: Any) -> None:  # noqa: ANN401 - an address, as the socket gave it
        """Send a reply; one that cannot go is lost, as any datagram may be."""
        with contextlib.suppress(OSError):
            self._socket.sendto(packet, to)

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
        for _ in range(_AT_ONCE):
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
    loop: asyncio.AbstractEventLoop,
    listening: socket.socket,
    desk: Desk,
    resolver: Resolver,
    counters: Counters,
) -> None:
    """Serve a socket as its address needs, from now on."""
    wildcard = listening.getsockname()[0] in ("0.0.0.0", "::")
    kind = WildcardUdpServer if wildcard else UdpServer
    kind(loop, listening, desk, resolver, counters).start()
