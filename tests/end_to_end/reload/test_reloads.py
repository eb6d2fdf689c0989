"""Thirty reloads, half of them broken, while clients ask: nothing lost, nothing mixed."""

import selectors
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

from dnslib import EDNS0, DNSRecord

from resolver.supervisor import control_client
from tests.live.server import Server
from tests.live.waiting import wait_for

MakeSmall = Callable[..., Server]

RELOADS = 30
RATE = 500
SETTLED = 10
"""Reloads after which memory is not to grow any more."""
DRIFT = 0.05
_TICK = 0.01
_CLIENTS = tuple(f"127.0.10.{host}" for host in range(1, 26))
_NAMES = ("web.telegram.org", "www.web.telegram.org", "WEB.telegram.org")
POLICIES = {
    # Each tells itself by two marks, so that a reply made of two would be seen.
    mark: f'deny = ["web.telegram.org"]\nsinkhole = ["192.0.2.{number}"]\n'
    f'contact = "{mark}@agency.example"'
    for mark, number in (("first", 1), ("second", 2))
}
BROKEN = {
    "invalid": lambda text: text.replace("[vlans.administration]", "[vlans.administration"),
    "refused": lambda text: (
        text + '[[expect]]\nclient = "127.0.10.1"\nname = "a.example"\noutcome = "blocked"\n'
    ),
    "needs_restart": lambda text: text.replace("workers = 2", "workers = 3"),
}


@dataclass(frozen=True)
class Asked:
    """A query and its reply."""

    sent: float
    answered: float
    """0 where it was lost."""
    marks: frozenset[str]


class Crowd:
    """Clients that ask at a steady rate, and note which policy has answered."""

    def __init__(self, port: int) -> None:
        self._selector = selectors.DefaultSelector()
        self._sockets = []
        for client in _CLIENTS:
            end = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            end.bind((client, 0))
            end.connect(("127.0.0.1", port))
            end.setblocking(False)
            self._selector.register(end, selectors.EVENT_READ)
            self._sockets.append(end)
        self._open: dict[tuple[int, int], float] = {}
        self.asked: list[Asked] = []

    def run(self, done: threading.Event) -> None:
        """Ask until told to stop, then wait for what is open."""
        bodies = cycle([_body(name) for name in _NAMES])
        ends, ids = cycle(self._sockets), cycle(range(65536))
        due = time.monotonic()
        while not done.is_set():
            for _ in range(int(RATE * _TICK)):
                end, number = next(ends), next(ids)
                self._open[end.fileno(), number] = time.monotonic()
                end.send(struct.pack("!H", number) + next(bodies))
            due += _TICK
            self._receive(due)
        self._receive(time.monotonic() + 2)
        self.asked += [Asked(sent, 0, frozenset()) for sent in self._open.values()]
        for end in self._sockets:
            end.close()

    def _receive(self, until: float) -> None:
        while (left := until - time.monotonic()) > 0:
            for key, _ in self._selector.select(left):
                end = key.fileobj
                assert isinstance(end, socket.socket)
                packet = end.recv(4096)
                sent = self._open.pop((end.fileno(), int.from_bytes(packet[:2], "big")))
                self.asked.append(Asked(sent, time.monotonic(), _marks(packet)))


def _body(name: str) -> bytes:
    query = DNSRecord.question(name)
    query.add_ar(EDNS0(udp_len=1232))
    packed: bytes = query.pack()
    return packed[2:]


def _marks(packet: bytes) -> frozenset[str]:
    marks = [("first", b"\xc0\x00\x02\x01"), ("second", b"\xc0\x00\x02\x02")]
    marks += [("first", b"first@"), ("second", b"second@")]
    found = [mark for mark, octets in marks if octets in packet]
    return frozenset(found) if len(found) == 2 else frozenset(["incomplete", *found])


@contextmanager
def _crowd(server: Server) -> Iterator[Crowd]:
    crowd, done = Crowd(server.port), threading.Event()
    asking = threading.Thread(target=crowd.run, args=(done,))
    asking.start()
    try:
        yield crowd
    finally:
        done.set()
        asking.join()


def _memory(pids: Sequence[int]) -> int:
    """Octets in memory."""
    return sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096 for pid in pids)


def test_many_reloads_under_load(make_small: MakeSmall, figure: Callable[[str], None]) -> None:
    server = make_small(server="workers = 2")
    plain = server.config.read_text(encoding="utf-8")
    own = 'deny = ["web.telegram.org"]'
    assert plain.count(own) == 1
    texts = {mark: plain.replace(own, policy) for mark, policy in POLICIES.items()}
    server.config.write_text(texts["first"], encoding="utf-8")
    server.start()
    server.expect_error("reload by|config.toml|expectations|needs a restart")
    processes = [server.pid, *server.workers()]
    kinds = cycle(BROKEN)
    mark = "first"
    held: list[tuple[float, float, str]] = []
    """From when until when which policy alone may answer."""
    since, before, began = time.monotonic(), 0, time.monotonic()
    with _crowd(server) as crowd:
        for number in range(RELOADS):
            if number == SETTLED:
                before = _memory(processes)
            broken = number % 2
            other = "second" if mark == "first" else "first"
            expected = next(kinds) if broken else "applied"
            text = BROKEN[expected](texts[other]) if broken else texts[other]
            server.config.write_text(text, encoding="utf-8")
            asked = time.monotonic()
            answer = control_client.ask(server.config, {"command": "reload"}, 60)
            assert answer["result"] == expected, answer
            if not broken:
                held.append((since, asked, mark))
                since, mark = time.monotonic(), other
        held.append((since, time.monotonic(), mark))
    took = time.monotonic() - began
    wait_for(lambda: server.workers() == processes[1:], "no worker was replaced")
    drift = _memory(processes) / before - 1
    lost = [asked for asked in crowd.asked if not asked.answered]
    mixed = [asked for asked in crowd.asked if asked.answered and len(asked.marks) != 1]
    figure(
        f"{RELOADS} reloads, half of them broken, in {took:.0f} s: of {len(crowd.asked):,} queries "
        f"{len(lost)} lost, {len(mixed)} mixed; memory {100 * drift:+.1f} % after {SETTLED}"
    )
    assert not lost
    assert not mixed
    for start, end, alone in held:
        within = [asked for asked in crowd.asked if start < asked.sent and asked.answered < end]
        assert {asked.marks for asked in within} <= {frozenset([alone])}
    assert sum(1 for asked in crowd.asked if "second" in asked.marks) > RATE
    assert drift < DRIFT
    scrape = server.scrape()
    assert scrape.value("darban_reloads_total", result="applied") == RELOADS / 2
    assert scrape.total("darban_reloads_total") == RELOADS
    assert scrape.total("darban_queries_total") == len(crowd.asked)
