"""Asks a server steadily, and prints as JSON how many questions were left without an answer.

Run as a program: `steady_load.py PORT RATE [SERVER CLIENT]`. Half of the names are blocked on the
VLAN that asks, half are of nobody's cache and so are forwarded. A question counts as lost
where no answer comes within five seconds, after which clients ask again.
"""

import json
import math
import os
import selectors
import socket
import struct
import sys
import time

_PATIENCE = 5.0
_LATE = 0.02
"""Seconds by which a query may be late. Where a busy machine holds this program up for longer, it
leaves out the queries of that time instead of sending them in a burst."""
_SOCKETS = 64
"""Clients; each is a port of its own, so that every worker has some of them."""


def _query(number: int) -> bytes:
    host = (
        b"\x03web\x08telegram\x03org" if number % 2 else b"\x08q%07d\x06agency\x07example" % number
    )
    return struct.pack("!6H", number & 0xFFFF, 0x0100, 1, 0, 0, 0) + host + b"\0\0\1\0\1"


def main(port: int, rate: int, server: str = "127.0.0.1", address: str = "127.0.10.5") -> None:
    """Ask until the standard input is closed, then wait for what is still on its way."""
    selector = selectors.DefaultSelector()
    clients = [_client(port, server, address) for _ in range(_SOCKETS)]
    for client in [sys.stdin, *clients]:
        selector.register(client, selectors.EVENT_READ)
    asked: dict[int, float] = {}
    slowest = 0.0
    refused = failed = number = 0
    began = time.monotonic()
    end = math.inf
    while (now := time.monotonic()) < end + _PATIENCE and (asked or end > now):
        began = max(began, now - _LATE - number / rate)
        while began + number / rate <= min(now, end):
            try:
                clients[number % _SOCKETS].send(_query(number))
            except OSError:  # an answer of the kernel's to the one before: nobody listened
                refused += 1
            asked[number & 0xFFFF] = now
            number += 1
        for key, _ in selector.select(1 / rate):
            if key.fileobj is sys.stdin:
                selector.unregister(sys.stdin)
                end = now
                continue
            try:
                answer = os.read(key.fd, 4096)
            except OSError:
                refused += 1
                continue
            sent = asked.pop(struct.unpack_from("!H", answer)[0], None)
            if sent is not None:
                slowest = max(slowest, now - sent)
                failed += answer[3] & 15 != 0
    told = {"asked": number, "lost": len(asked), "slowest": round(slowest, 3)}
    print(json.dumps({**told, "failed": failed, "refused": refused}))


def _client(port: int, server: str, address: str) -> socket.socket:
    family = socket.AF_INET6 if ":" in server else socket.AF_INET
    client = socket.socket(family, socket.SOCK_DGRAM)
    client.bind((address, 0))
    client.connect((server, port))
    client.setblocking(False)
    return client


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:])
