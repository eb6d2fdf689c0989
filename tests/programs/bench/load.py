"""Putting a server under load, and what that cost it."""

import subprocess
from collections.abc import Callable
from dataclasses import dataclass

from tests.programs.bench.asking import addresses, first_answer
from tests.programs.bench.clients import one_of_each_vlan
from tests.programs.bench.dnsperf import Told
from tests.programs.bench.peer import Peer
from tests.programs.bench.processes import BenchError, Cpu, cpu, family, memory
from tests.programs.bench.upstream import ADDRESS

_TOLERATED = 0.05


@dataclass(frozen=True)
class Measured:
    """What a run cost: CPU seconds and octets, of who answers and of all its processes."""

    told: Told
    cpu: Cpu
    cpu_all: Cpu
    memory: int
    memory_all: int

    @property
    def microseconds(self) -> float:
        """CPU time of who answers, a query."""
        return self.cpu.total / self.told.completed * 1e6


def measure(
    peer: Peer,
    child: "subprocess.Popen[bytes]",
    load: Callable[[], Told],
    tolerated: float = _TOLERATED,
) -> Measured:
    """One run, checked: a server that loses queries or fails many has done less work.

    ``tolerated`` is the share of queries that may fail.
    """
    everyone, serving = family(child.pid), peer.serving(child.pid)
    before_all, before = cpu(everyone), cpu(serving)
    told = load()
    if family(child.pid) != everyone:
        raise BenchError(f"{peer.name}: its processes changed under load; see {peer.place}")
    measured = Measured(
        told,
        cpu(serving) - before,
        cpu(everyone) - before_all,
        memory(serving),
        memory(everyone),
    )
    if told.failed > told.sent * tolerated:
        raise BenchError(
            f"{peer.name}: of {told.sent} queries {told.lost} were lost, "
            f"the others ended with {told.rcodes}; see {peer.place}"
        )
    return measured


def await_answers(
    peer: Peer, child: "subprocess.Popen[bytes]", passed: str, blocked: str | None
) -> None:
    """Wait until it answers, and see that it blocks what it must, for every VLAN."""
    client, *_ = one_of_each_vlan()
    answer = first_answer(child, client, peer.port, passed)
    if answer is None:
        raise BenchError(f"{peer.name} does not answer; what it said is in {peer.place}/log")
    if not peer.resolves:
        return
    if answer != [ADDRESS]:
        raise BenchError(f"{peer.name} answers {passed} with {answer}")
    for client in one_of_each_vlan():
        if blocked and addresses(client, peer.port, blocked) not in ([], ["0.0.0.0"]):
            raise BenchError(f"{peer.name} does not block {blocked} for {client}")
