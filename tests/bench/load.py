"""Putting a server under load, and what that cost it."""

import re
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from dnslib import DNSRecord

from tests.bench.peers import ADDRESS, Peer, found
from tests.bench.processes import BenchError, Cpu, cpu, family, memory, on_core

CLIENT = "127.0.10.5"
_LONGEST = 120
_START = 60.0
_TOLERATED = 0.05


@dataclass(frozen=True)
class Told:
    """What dnsperf says of a run."""

    sent: int
    completed: int
    lost: int
    seconds: float
    rcodes: dict[str, int]

    @property
    def failed(self) -> int:
        """Queries without an answer that helps anybody: lost, SERVFAIL, REFUSED."""
        answered = self.rcodes.get("NOERROR", 0) + self.rcodes.get("NXDOMAIN", 0)
        return self.sent - answered


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


def read_told(text: str) -> Told:
    """Read dnsperf's statistics."""

    def number(label: str) -> float:
        value = re.search(rf"^\s*{label}:\s+([0-9.]+)", text, re.MULTILINE)
        if value is None:
            raise BenchError(f"dnsperf did not say '{label}', but:\n{text}")
        return float(value[1])

    rcodes = re.search(r"^\s*Response codes:(.*)", text, re.MULTILINE)
    return Told(
        int(number("Queries sent")),
        int(number("Queries completed")),
        int(number("Queries lost")),
        number(r"Run time \(s\)"),
        {name: int(count) for name, count in re.findall(r"(\w+) (\d+) \(", rcodes[1])}
        if rcodes
        else {},
    )


def shoot(port: int, questions: Path, core: int, *, tcp: bool = False) -> Told:
    """Ask every question of a file once, 100 at a time."""
    command = [found("dnsperf"), "-s", "127.0.0.1", "-p", str(port), "-a", CLIENT]
    command += ["-m", "tcp" if tcp else "udp", "-d", str(questions)]
    command += ["-n", "1", "-l", str(_LONGEST), "-t", "2", "-c", "10", "-T", "1", "-q", "100"]
    done = subprocess.run(
        on_core(core, command),
        capture_output=True,
        text=True,
        timeout=_LONGEST + 30,
        check=False,
    )
    if done.returncode:
        raise BenchError(f"dnsperf ended with {done.returncode}:\n{done.stderr}")
    return read_told(done.stdout)


def measure(
    peer: Peer, child: "subprocess.Popen[bytes]", questions: Path, core: int, *, tcp: bool
) -> Measured:
    """One run, checked: a server that loses queries or fails many has done less work."""
    everyone, serving = family(child.pid), peer.serving(child.pid)
    before_all, before = cpu(everyone), cpu(serving)
    told = shoot(peer.port, questions, core, tcp=tcp)
    if family(child.pid) != everyone:
        raise BenchError(f"{peer.name}: its processes changed under load; see {peer.place}")
    measured = Measured(
        told,
        cpu(serving) - before,
        cpu(everyone) - before_all,
        memory(serving),
        memory(everyone),
    )
    if told.failed > told.sent * _TOLERATED:
        raise BenchError(
            f"{peer.name}, {questions.stem}: of {told.sent} queries {told.lost} were lost, "
            f"the others ended with {told.rcodes}; see {peer.place}"
        )
    return measured


def await_answers(
    peer: Peer, child: "subprocess.Popen[bytes]", passed: str, blocked: str | None
) -> None:
    """Wait until it answers, and see that it blocks what it must."""
    until = time.monotonic() + _START
    while (addresses := _addresses(peer.port, passed)) is None:
        try:
            child.wait(0.05)  # as a pause, and to learn at once that it has ended
        except subprocess.TimeoutExpired:
            if time.monotonic() < until:
                continue
        raise BenchError(f"{peer.name} does not answer; what it said is in {peer.place}/log")
    if not peer.resolves:
        return
    if addresses != [ADDRESS]:
        raise BenchError(f"{peer.name} answers {passed} with {addresses}")
    if blocked and _addresses(peer.port, blocked) not in ([], ["0.0.0.0"]):
        raise BenchError(f"{peer.name} does not block {blocked}")


def _addresses(port: int, name: str) -> list[str] | None:
    """The addresses that a name is answered with; None where there is no usable answer."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(1)
        asking.bind((CLIENT, 0))
        try:
            asking.connect(("127.0.0.1", port))
            asking.send(DNSRecord.question(name).pack())
            answer = DNSRecord.parse(asking.recv(4096))
        except OSError:
            return None
    if answer.header.rcode not in (0, 3):
        return None
    return [str(record.rdata) for record in answer.rr]
