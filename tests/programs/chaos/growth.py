"""Whether memory and descriptors grow with the queries: their slope over many of these.

What is measured is anonymous memory, which is where a leak grows: the processes are started by
exec, so none of it is shared, and it does not change when another process ends. Before each sample
a reload frees what the server keeps of its clients, which is much, and bounded. The slope is that
of the line of least squares through all samples. A cache that is not full yet grows, too.
"""

import socket
import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from itertools import cycle
from pathlib import Path

from tests.programs.attacks import wire
from tests.programs.chaos.clients import connected
from tests.programs.chaos.faults import Bounds
from tests.programs.chaos.load import Load
from tests.programs.chaos.rows import beyond, line
from tests.programs.chaos.system import WORKERS, System, descriptors
from tests.programs.chaos.truth import BANNED_ZONE, CLIENTS

MOST_MEBIBYTES = 1.0
"""By which the supervisor may grow in 20 minutes."""
MOST_OCTETS = 1.0
"""By which the workers may grow for a query: 430 MB a day at 5,000 queries a second."""
MOST_DESCRIPTORS = 0.001
"""By which their descriptors may grow for a query."""
_PERIOD = 1200.0
_JUDGED = 10
"""For so many queries one more is asked whose answer is judged."""

Sample = tuple[float, float]


def anonymous(pid: int) -> float:
    """The octets of anonymous memory that a process holds; OSError where it has ended."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    line = next(line for line in text.splitlines() if line.startswith("Anonymous:"))
    return int(line.split()[1]) * 1024


def slope(samples: Sequence[Sample]) -> float:
    """What the second figure grows by for one of the first."""
    mean = sum(at for at, _ in samples) / len(samples)
    spread = sum((at - mean) ** 2 for at, _ in samples)
    return sum((at - mean) * value for at, value in samples) / spread


def _flood(port: int, count: int) -> None:
    """Ask for known and for blocked names as fast as they are answered; no answer is judged."""
    zones = ("known.example", BANNED_ZONE)
    packets = cycle([wire.question(f"n{number}.{zone}") for zone in zones for number in range(5)])
    with ExitStack() as stack:
        clients = [
            stack.enter_context(connected(client, port, socket.SOCK_DGRAM))
            for client in CLIENTS * 4
        ]
        for client in clients:
            client.settimeout(1.0)
        for _ in range(count // len(clients)):
            for client in clients:
                client.send(next(packets))
            for client in clients:
                with suppress(TimeoutError):
                    client.recv(65535)


class Growth:
    """Samples of a supervisor and of some of its workers, which must not end meanwhile."""

    def __init__(self, whole: System, load: Load, workers: Sequence[int]) -> None:
        self._whole = whole
        self._load = load
        self._workers = workers
        self._flooded = 0
        self.supervisor: list[Sample] = []
        """Seconds, and octets of memory."""
        self.workers: list[Sample] = []
        """Queries that they had, and octets of memory."""
        self.descriptors: list[Sample] = []
        """Queries that the workers had, and descriptors of all processes."""

    def sample(self, queries: int) -> list[str]:
        """Ask so many queries, and look then; what was wrong with the answers."""
        bad = beyond(Bounds(), self._load.burst(queries // _JUDGED))
        _flood(self._whole.server.port, queries)
        self._flooded += queries
        self._whole.reload()
        asked = self._flooded + sum(tally.sent for tally in self._load.tallies)
        asked = asked * len(self._workers) // WORKERS
        supervisor = self._whole.server.pid
        self.supervisor.append((time.monotonic(), anonymous(supervisor)))
        self.workers.append((asked, sum(map(anonymous, self._workers))))
        self.descriptors.append((asked, descriptors([supervisor, *self._workers])))
        return bad

    def broken(self) -> list[str]:
        """What grows by more than it may."""
        mebibytes = slope(self.supervisor) * _PERIOD / 2**20
        octets, opened = slope(self.workers), slope(self.descriptors)
        checks = (
            (mebibytes > MOST_MEBIBYTES, f"{mebibytes:.2f} MiB in {_PERIOD:g} s: the supervisor"),
            (octets > MOST_OCTETS, f"{octets:.2f} octets of memory lost by a query"),
            (opened > MOST_DESCRIPTORS, f"{opened:.4f} descriptors lost by a query"),
        )
        return [text for bad, text in checks if bad]

    def table(self) -> str:
        """What was seen, in Markdown."""
        rows = (
            ("supervisor, MiB", self.supervisor, 2**20, _PERIOD, f"in {_PERIOD:g} s"),
            ("workers, MiB", self.workers, 2**20, 1e6, "in a million queries"),
            ("descriptors", self.descriptors, 1, 1e6, "in a million queries"),
        )
        lines = [line(("", "first", "last", "least", "most", "slope")), line(["---"] * 6)]
        for name, samples, unit, steps, about in rows:
            values = [value / unit for _, value in samples]
            figures = (values[0], values[-1], min(values), max(values))
            grows = f"{slope(samples) * steps / unit:+.2f} {about}"
            lines.append(line((name, *(f"{figure:.2f}" for figure in figures), grows)))
        return "\n".join(lines)
