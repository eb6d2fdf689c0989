"""How long a server takes, by a clock of its own beside the load.

A dnsperf that sends 20,000 queries a second is always awake, and its waits are above all
those of its own threads for each other. So a few queries are asked beside it, some every
millisecond, and the kernel notes when their answers came, whenever this process reads them.
"""

import random
import selectors
import socket
import struct
import threading
import time
from collections import Counter
from typing import Self

from dnslib import DNSRecord

from tests.programs.bench.dnsperf import Latencies, Statistics

PROBES = 16
"""Sockets. A worker of Darban has a socket of its own, and the kernel decides by address and port
which of them a client meets; with so many probes some meet each."""
_PAUSE = 0.001
"""Seconds between two questions, on average; irregular, to keep no step with anything."""
_LAST = 1.0
"""Seconds that the last answers may take to come."""
_SWIFT = 50_000
"""Nanoseconds that sending a question may take; who was stalled then knows not when it left."""
_RCODES = {0: "NOERROR", 3: "NXDOMAIN"}
_TIMESTAMPNS = 35
"""SO_TIMESTAMPNS, which Python has no name for."""
_TIMESPEC = struct.Struct("qq")


class Stopwatch:
    """Asks one question while it is entered; the waits are whole when it is left."""

    def __init__(self, client: str, port: int, name: str) -> None:
        self._question = DNSRecord.question(name).pack()[2:]
        """The query without its ID."""
        self._sockets = [_connected(client, port) for _ in range(PROBES)]
        self._open: dict[tuple[int, bytes], int] = {}
        self._waits: Counter[float] = Counter()
        self._rcodes: Counter[str] = Counter()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()
        for item in self._sockets:
            item.close()

    @property
    def waits(self) -> Latencies:
        """How long each answer took."""
        return Latencies(dict(self._waits))

    @property
    def lost(self) -> int:
        """How many answers never came."""
        return len(self._open)

    def beside(self, load: Statistics) -> Statistics:
        """A load's statistics, with what was asked here besides; the waits are those here."""
        completed = self._rcodes.total()
        return Statistics(
            load.sent + completed + self.lost,
            load.completed + completed,
            load.lost + self.lost,
            load.seconds,
            dict(Counter(load.rcodes) + self._rcodes),
            self.waits,
        )

    def _run(self) -> None:
        with selectors.DefaultSelector() as selector:
            for number, item in enumerate(self._sockets):
                selector.register(item, selectors.EVENT_READ, number)
            turn = 0
            while not self._stopping.is_set():
                self._ask(turn)
                turn += 1
                self._listen(selector, random.expovariate(1 / _PAUSE))
            end = time.monotonic() + _LAST
            while self._open and time.monotonic() < end:
                self._listen(selector, end - time.monotonic())

    def _ask(self, turn: int) -> None:
        number, identifier = turn % PROBES, (turn // PROBES & 0xFFFF).to_bytes(2, "big")
        query = identifier + self._question
        asked = time.time_ns()
        self._sockets[number].send(query)
        if time.time_ns() - asked < _SWIFT:
            self._open[number, identifier] = asked

    def _listen(self, selector: selectors.BaseSelector, seconds: float) -> None:
        """Take what comes within so many seconds."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            for key, _ in selector.select(left):
                self._receive(key.data)

    def _receive(self, number: int) -> None:
        answer, control, _, _ = self._sockets[number].recvmsg(4096, 64)
        asked = self._open.pop((number, answer[:2]), None)
        if asked is not None:
            self._rcodes[_RCODES.get(answer[3] & 15, "another")] += 1
            seconds, nanoseconds = _TIMESPEC.unpack(control[0][2])
            self._waits[(seconds * 1_000_000_000 + nanoseconds - asked) / 1e9] += 1


def _connected(client: str, port: int) -> socket.socket:
    probe = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    probe.setsockopt(socket.SOL_SOCKET, _TIMESTAMPNS, 1)
    probe.bind((client, 0))
    probe.connect(("127.0.0.1", port))
    return probe
