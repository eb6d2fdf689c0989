"""The queries whose instructions ``instructions`` counts; callgrind runs this file as a program.

The parts of a worker answer, and one thread is client, loop and upstream in turn: it sends a batch,
lets the loop make one iteration, and takes the replies. So nothing depends on a scheduler. What it
takes without a server is counted as ``nothing``, to be subtracted.
"""

import ctypes
import gc
import socket
import sys
from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from typing import Any

from dnslib import EDNS0, DNSRecord

from resolver.server.tcp import TcpServer
from resolver.server.udp import UdpServer
from resolver.transport.loop import Loop
from tests.server.assembled import Assembled, server_at

BATCH = 16
WARM, COUNTED = 10, 50
"""Batches before those that are counted, and those."""


def query(name: str) -> bytes:
    """A query with EDNS, as stub resolvers send them."""
    made = DNSRecord.question(name)
    made.add_ar(EDNS0(udp_len=1232))
    made.header.id = 4711
    return bytes(made.pack())


HIT, BLOCKED = query("hit.example"), query("denied.example")
STREAM = (len(HIT).to_bytes(2, "big") + HIT) * BATCH


class Node:
    """A worker's parts with sockets on loopback, and those of a client and of an upstream."""

    def __init__(self) -> None:
        self.loop = Loop()
        self.upstream, listening = _bound(), _bound()
        accepting = socket.create_server(("127.0.0.1", 0))
        self.kept = listening, accepting
        self.assembled = made = Assembled(
            self.loop, {"upstream": server_at(self.upstream.getsockname())}
        )
        listening.setblocking(False)
        UdpServer(self.loop, listening, made.handler, made.counters).start()
        # Each kind of query has a client of its own, whose queries are below its rate limit.
        self.hitting, self.blocked, self.missing = (_bound(f"127.0.0.{n}") for n in (2, 3, 4))
        for client in (self.hitting, self.blocked, self.missing):
            client.connect(listening.getsockname())
        accepting.setblocking(False)
        TcpServer(self.loop, accepting, made.handler, made.counters).start()
        self.stream: socket.socket | None = None
        self.other = _bound()
        self.other.connect(self.other.getsockname())
        self.new_names = _new_names()
        self.run_once()

    def close(self) -> None:
        """Close all sockets and the loop."""
        for item in (self.upstream, self.hitting, self.blocked, self.missing, self.other):
            item.close()
        if self.stream is not None:
            self.stream.close()
        self.assembled.forwarder.sweep(self.loop.time() + 60)
        self.run_once()
        for item in self.kept:
            item.close()
        self.loop.close()

    def run_once(self) -> None:
        """Let the loop make one iteration."""
        self.loop.call_soon(self.loop.stop)
        self.loop.run_forever()

    def nothing(self) -> None:
        """A batch that nobody answers: it is sent, and taken by its sender."""
        self._ask_known(self.other, HIT)

    def nothing_upstream(self) -> None:
        """The same with the part of an upstream that is a server's own client."""
        self._ask_new(self.other, self.other)

    def hits(self) -> None:
        """A batch of a cached name."""
        self._ask_known(self.hitting, HIT)

    def blocks(self) -> None:
        """A batch of a blocked name."""
        self._ask_known(self.blocked, BLOCKED)

    def _ask_known(self, client: socket.socket, packet: bytes) -> None:
        for _ in range(BATCH):
            client.send(packet)
        self.run_once()
        for _ in range(BATCH):
            client.recv(4096)

    def misses(self) -> None:
        """A batch of new names, which the upstream answers."""
        self._ask_new(self.missing, self.upstream)

    def _ask_new(self, client: socket.socket, upstream: socket.socket) -> None:
        for packet in next(self.new_names):
            client.send(packet)
        left = BATCH
        while left:  # once, unless an attempt has timed out: under callgrind all is slow
            self.run_once()
            for packet, whose in _taken(upstream):
                upstream.sendto(_response(packet), whose)
            self.run_once()
            left -= len(_taken(client))

    def over_tcp(self) -> None:
        """A batch of a cached name over one connection."""
        if self.stream is None:  # not earlier: the server closes one that is idle
            where = self.kept[1].getsockname()
            self.stream = socket.create_connection(where, 20, ("127.0.0.5", 0))
            self.stream.setblocking(False)
        self.stream.sendall(STREAM)
        left = BATCH * (2 + self.reply_size)
        while left:
            self.run_once()
            with suppress(BlockingIOError):
                received = self.stream.recv(left)
                assert received, "the server has closed the connection"
                left -= len(received)

    def fill(self) -> None:
        """Have the name of the hits in the cache."""
        self.missing.send(HIT)
        self.run_once()
        packet, whose = self.upstream.recvfrom(4096)
        self.upstream.sendto(_response(packet), whose)
        self.run_once()
        self.reply_size = len(self.missing.recv(4096))


def _new_names() -> Iterator[list[bytes]]:
    """Batches of queries for names that were not asked for before."""
    first = query("n000000.example.org")
    names = (first.replace(b"000000", b"%06d" % number) for number in count())
    while True:
        yield [next(names) for _ in range(BATCH)]


def _taken(of: socket.socket) -> list[tuple[bytes, Any]]:
    """All packets that a socket has."""
    taken = []
    of.setblocking(False)
    with suppress(BlockingIOError):
        while True:
            taken.append(of.recvfrom(4096))
    of.settimeout(20)
    return taken


def _bound(address: str = "127.0.0.1") -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.settimeout(20)
    made.bind((address, 0))
    return made


def _response(packet: bytes) -> bytes:
    """The query with an address as its answer, and without EDNS."""
    end = packet.index(b"\0", 12) + 5
    answer = b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x0e\x10\x00\x04\xc0\x00\x02\x01"
    return packet[:2] + b"\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00" + packet[12:end] + answer


def main() -> None:
    """Count each kind; the library of the command line talks to callgrind."""
    callgrind = ctypes.CDLL(sys.argv[1])
    node = Node()
    node.fill()
    kinds = {
        "nothing": node.nothing,
        "nothing upstream": node.nothing_upstream,
        "hit": node.hits,
        "block": node.blocks,
        "miss": node.misses,
        "TCP hit": node.over_tcp,
    }
    gc.collect()
    gc.disable()
    for kind, ask in kinds.items():
        for _ in range(WARM):
            ask()
        callgrind.begin()
        for _ in range(COUNTED):
            ask()
        callgrind.end(kind.encode())


if __name__ == "__main__":
    main()
