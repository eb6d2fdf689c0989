"""Count the calls of a miss, and how often they change the file: what a reader has to follow.

A worker's parts run here, interpreted, between a client and an upstream server on loopback, which
answers each query with an address. Each query is for a new name; the first ones fill what is kept
for a client. ``--list`` prints the calls of one miss, each below its caller.
"""

import argparse
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from statistics import median_low
from threading import Thread
from types import FrameType
from typing import NamedTuple

from dnslib import RR, DNSRecord

import resolver
from resolver.server.udp import UdpServer
from resolver.transport.loop import Loop
from tests.server.assembled import Assembled, server_at

PACKAGE = f"{Path(resolver.__file__).parent}/"
WARM = 20
"""Misses before those that are counted."""
COUNTED = 20


class Call(NamedTuple):
    """A call of a function of the package."""

    depth: int
    file: str
    function: str


@contextmanager
def noted() -> Iterator[list[Call]]:
    """The calls of this thread, in order."""
    calls: list[Call] = []
    depth = 0

    def note(frame: FrameType, event: str, _: object) -> None:
        nonlocal depth
        code = frame.f_code
        if code.co_filename.startswith(PACKAGE):
            if event == "call":
                file = code.co_filename.removeprefix(PACKAGE)
                calls.append(Call(depth, file, code.co_qualname))
            depth += {"call": 1, "return": -1}.get(event, 0)

    sys.setprofile(note)
    try:
        yield calls
    finally:
        sys.setprofile(None)


def misses() -> list[list[Call]]:
    """The calls of some misses, each from the reading of its query on."""
    loop = Loop()
    with bound() as listening, bound() as upstream, bound() as client:
        server = server_at(upstream.getsockname())
        assembled = Assembled(loop, {"upstream": server})
        listening.setblocking(False)
        UdpServer(loop, listening, assembled.handler, assembled.counters).start()
        client.connect(listening.getsockname())
        answering = Thread(target=answer_all, args=(upstream,))
        answering.start()
        asking = Thread(target=ask, args=(client, loop))
        asking.start()
        with noted() as calls:
            loop.run_forever()
        asking.join()
        assembled.forwarder.sweep(loop.time() + 60)
        upstream.sendto(b"", upstream.getsockname())
        answering.join()
    loop.close()
    starts = [n for n, call in enumerate(calls) if call.function == "UdpServer._readable"]
    return [calls[start:end] for start, end in pairwise(starts)][WARM:]


def bound() -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.settimeout(5)
    made.bind(("127.0.0.1", 0))
    return made


def answer_all(upstream: socket.socket) -> None:
    """Answer each query with an address, until an empty packet comes."""
    while True:
        packet, whose = upstream.recvfrom(4096)
        if not packet:
            return
        response = DNSRecord.parse(packet).reply()
        response.add_answer(*RR.fromZone(f"{response.q.qname} 60 A 192.0.2.1"))
        upstream.sendto(bytes(response.pack()), whose)


def ask(client: socket.socket, loop: Loop) -> None:
    """Ask for new names, one after the other."""
    for number in range(WARM + COUNTED + 1):
        client.send(bytes(DNSRecord.question(f"n{number}.example.org").pack()))
        client.recv(4096)
    loop.call_soon_threadsafe(loop.stop)


def changes(calls: list[Call]) -> int:
    """How many calls are in another file than the call before."""
    return sum(before.file != after.file for before, after in pairwise(calls))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--list", action="store_true", help="print the calls of one miss")
    listed = parser.parse_args().list
    found = misses()
    if listed:
        for depth, file, function in found[-1]:
            print(f"{'  ' * depth}{function}  [{file}]")
    print(f"calls: {median_low(map(len, found))}")
    print(f"changes of file: {median_low(map(changes, found))}")


if __name__ == "__main__":
    main()
