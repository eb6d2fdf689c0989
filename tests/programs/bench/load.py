"""The workloads, and what one costs a server."""

import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass

from dnslib import DNSRecord

from tests.programs.bench.clients import one_of_each_vlan
from tests.programs.bench.dnsperf import Statistics
from tests.programs.bench.peer import Peer
from tests.programs.bench.processes import BenchError, Cpu, cpu, family, memory
from tests.programs.bench.upstream import ADDRESS

_TOLERATED = 0.05
_START = 120.0
_PAUSE = 0.005


@dataclass(frozen=True)
class Workload:
    """What is asked, and how."""

    title: str
    in_flight: int = 250
    """Queries on their way at any time."""
    together: int = 10
    """How many clients ask at once, a dnsperf each."""
    tcp: bool = False
    rate: int = 0
    """Queries a second, whatever is answered; 0: as fast as the answers come."""

    @property
    def clients(self) -> int:
        """How many clients ask, one after the other or at once. At a rate it is one only: a dnsperf
        that keeps to a rate is always awake, and two would take turns."""
        return 1 if self.rate else 25 * self.together


_KINDS = {
    "hits": "Hits: 30 % blocked, 70 % from the cache",
    "blocks": "Blocked names only",
    "misses": "Misses: every name forwarded once",
}
RATES = (1_000, 10_000, 30_000)
"""What agencies have, in queries a second. A dnsperf on one core keeps its pace up to some 20,000;
above, it sends in bursts, to every server alike."""
WORKLOADS = {
    "hits": Workload(_KINDS["hits"]),
    **{
        f"{kind}-{rate}": Workload(f"{title}, {rate:,} a second", rate=rate)
        for kind, title in _KINDS.items()
        for rate in RATES
    },
    "blocks": Workload(_KINDS["blocks"]),
    "mix": Workload("A realistic mix: 75 % from the cache, 15 % new, 10 % blocked"),
    "misses": Workload(_KINDS["misses"]),
    "misses-20": Workload("Misses, 20 in flight", in_flight=20, together=1),
    "misses-full": Workload("Misses, upstream adds authority and additional records"),
    "tcp": Workload("Hits over TCP", tcp=True),
}
"""In the order in which they are run: what comes first finds the caches as the warm-up left
them."""


@dataclass(frozen=True)
class Measured:
    """What a run cost: CPU seconds and octets, of who answers and of all its processes."""

    statistics: Statistics
    cpu: Cpu
    cpu_all: Cpu
    memory: int
    memory_all: int

    @property
    def microseconds(self) -> float:
        """CPU time of who answers, a query."""
        return self.cpu.total / self.statistics.completed * 1e6


def measure(
    peer: Peer,
    child: "subprocess.Popen[bytes]",
    load: Callable[[], Statistics],
    tolerated: float = _TOLERATED,
) -> Measured:
    """One run, checked: a server that loses queries or fails many has done less work.

    ``tolerated`` is the share of queries that may fail.
    """
    everyone, serving = family(child.pid), peer.serving(child.pid)
    before_all, before = cpu(everyone), cpu(serving)
    statistics = load()
    if family(child.pid) != everyone:
        raise BenchError(f"{peer.name}: its processes changed under load; see {peer.place}")
    measured = Measured(
        statistics,
        cpu(serving) - before,
        cpu(everyone) - before_all,
        memory(serving),
        memory(everyone),
    )
    if statistics.failed > statistics.sent * tolerated:
        raise BenchError(
            f"{peer.name}: of {statistics.sent} queries {statistics.lost} were lost, "
            f"the others ended with {statistics.rcodes}; see {peer.place}"
        )
    return measured


def await_answers(
    peer: Peer, child: "subprocess.Popen[bytes]", passed: str, blocked: str | None
) -> None:
    """Wait until it answers, and see that it blocks what it must, for every VLAN."""
    client, *_ = one_of_each_vlan()
    answer = _first_answer(child, client, peer.port, passed)
    if answer is None:
        raise BenchError(f"{peer.name} does not answer; what it said is in {peer.place}/log")
    if answer != [ADDRESS]:
        raise BenchError(f"{peer.name} answers {passed} with {answer}")
    for client in one_of_each_vlan():
        if blocked and _addresses(client, peer.port, blocked) not in ([], ["0.0.0.0"]):
            raise BenchError(f"{peer.name} does not block {blocked} for {client}")


def _addresses(client: str, port: int, name: str) -> list[str] | None:
    """The addresses that a name is answered with; None where there is no usable answer."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(1)
        asking.bind((client, 0))
        try:
            asking.connect(("127.0.0.1", port))
            asking.send(DNSRecord.question(name).pack())
            answer = DNSRecord.parse(asking.recv(4096))
        except OSError:
            return None
    if answer.header.rcode not in (0, 3):
        return None
    return [str(record.rdata) for record in answer.rr]


def _first_answer(
    child: "subprocess.Popen[bytes]", client: str, port: int, name: str
) -> list[str] | None:
    """Ask again and again until there is an answer; None if there will be none."""
    until = time.monotonic() + _START
    while time.monotonic() < until:
        if (found := _addresses(client, port, name)) is not None:
            return found
        try:
            child.wait(_PAUSE)  # as a pause, and to learn at once that it has ended
        except subprocess.TimeoutExpired:
            continue
        return None
    return None
