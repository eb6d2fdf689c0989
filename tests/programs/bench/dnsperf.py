"""The load generator: dnsperf, once for each client, and its statistics of a run."""

import re
import subprocess
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from tests.programs.bench.clients import TOGETHER, Client
from tests.programs.bench.peer import found
from tests.programs.bench.processes import BenchError, on_core

_LONGEST = 120
_CONNECTIONS = 10
_PATIENCE = 5
_IDS = 65000


@dataclass(frozen=True)
class Latencies:
    """How many answers took at most so many seconds, by the upper bound of their bucket."""

    counts: dict[float, int] = field(default_factory=dict)

    def quantile(self, share: float) -> float:
        """The seconds within which so large a share of the answers came."""
        wanted = share * sum(self.counts.values())
        seen = 0
        for bound in sorted(self.counts):
            seen += self.counts[bound]
            if seen >= wanted:
                return bound
        raise BenchError("no latencies were measured")


@dataclass(frozen=True)
class Statistics:
    """What dnsperf says of a run."""

    sent: int
    completed: int
    lost: int
    seconds: float
    rcodes: dict[str, int]
    latencies: Latencies = field(default_factory=Latencies)

    @property
    def failed(self) -> int:
        """Queries without an answer that helps anybody: lost, SERVFAIL, REFUSED."""
        answered = self.rcodes.get("NOERROR", 0) + self.rcodes.get("NXDOMAIN", 0)
        return self.sent - answered

    @property
    def rate(self) -> float:
        """Answers a second."""
        return self.completed / self.seconds


def read_statistics(text: str) -> Statistics:
    """Read dnsperf's statistics."""

    def number(label: str) -> float:
        value = re.search(rf"^\s*{label}:\s+([0-9.]+)", text, re.MULTILINE)
        if value is None:
            raise BenchError(f"dnsperf did not say '{label}', but:\n{text}")
        return float(value[1])

    rcodes = re.search(r"^\s*Response codes:(.*)", text, re.MULTILINE)
    buckets = re.findall(r"^\s*[0-9.]+ - ([0-9.]+):\s+(\d+)$", text, re.MULTILINE)
    return Statistics(
        int(number("Queries sent")),
        int(number("Queries completed")),
        int(number("Queries lost")),
        number(r"Run time \(s\)"),
        {name: int(count) for name, count in re.findall(r"(\w+) (\d+) \(", rcodes[1])}
        if rcodes
        else {},
        Latencies({float(bound): int(count) for bound, count in buckets}),
    )


def join(runs: Sequence[Statistics]) -> Statistics:
    """Several runs at once, as one."""
    return _sum(runs, max(run.seconds for run in runs))


def in_turn(runs: Sequence[Statistics]) -> Statistics:
    """Several runs one after the other, as one; what lay between them does not count."""
    return _sum(runs, sum(run.seconds for run in runs))


def _sum(runs: Sequence[Statistics], seconds: float) -> Statistics:
    rcodes: Counter[str] = Counter()
    latencies: Counter[float] = Counter()
    for run in runs:
        rcodes.update(run.rcodes)
        latencies.update(run.latencies.counts)
    return Statistics(
        sum(run.sent for run in runs),
        sum(run.completed for run in runs),
        sum(run.lost for run in runs),
        seconds,
        dict(rcodes),
        Latencies(dict(latencies)),
    )


def ask_once(
    port: int,
    clients: Sequence[Client],
    in_flight: int = 250,
    together: int = TOGETHER,
    *,
    tcp: bool = False,
) -> Statistics:
    """Every client asks every question of its file once.

    So many clients ask at once, with so many queries in flight between them.
    """
    runs = []
    for first in range(0, len(clients), together):
        group = clients[first : first + together]
        most = ["-m", "tcp" if tcp else "udp", "-n", "1", "-l", str(_LONGEST), "-t", "2"]
        most += ["-q", str(in_flight // len(group)), "-c", str(_CONNECTIONS // len(group))]
        started = [_start(port, client, most) for client in group]
        runs.append(join([_end(popen) for popen in started]))
    return in_turn(runs)


def ask_steadily(port: int, client: Client, rate: int, seconds: int) -> Statistics:
    """One client asks at a rate, for some seconds, whether it is answered or not."""
    pace = ["-Q", str(rate), "-q", str(min(rate * _PATIENCE, _IDS)), "-t", str(_PATIENCE)]
    pace += ["-l", str(seconds), "-c", str(_CONNECTIONS), "-O", "latency-histogram"]
    return _end(_start(port, client, pace))


def _start(port: int, client: Client, options: Iterable[str]) -> "subprocess.Popen[str]":
    command = [found("dnsperf"), "-s", "127.0.0.1", "-p", str(port), "-a", client.address]
    command += ["-d", str(client.questions), "-T", "1", *options]
    pipe = subprocess.PIPE
    return subprocess.Popen(on_core(None, command), stdout=pipe, stderr=pipe, text=True)


def _end(dnsperf: "subprocess.Popen[str]") -> Statistics:
    try:
        said, complaints = dnsperf.communicate(timeout=_LONGEST + 30)
    finally:
        dnsperf.kill()
    if dnsperf.returncode:
        raise BenchError(f"dnsperf ended with {dnsperf.returncode}:\n{complaints}")
    return read_statistics(said)
