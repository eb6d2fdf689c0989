"""Child processes, and what the kernel says of any process.

Every child is ended when the bench ends, however that happens: by the stack that it was
started on, or by the kernel should this process be killed.
"""

import os
import signal
import subprocess
import time
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")
_CPUCLOCK_SCHED = 2
"""Linux's mark of a clock that counts the CPU time of a process; see clock_getcpuclockid(3)."""
_PATIENCE = 5.0
# With the latter, Python runs an installed package, compiled, in the place of the tree.
_NOT_INHERITED = {"STATE_DIRECTORY", "PYTHONSAFEPATH"}
ROOT = Path(__file__).parents[3]
"""The tree whose server is measured."""


class BenchError(Exception):
    """It cannot be measured; the message says why."""


@dataclass(frozen=True)
class Cpu:
    """Seconds of CPU time; ``total`` is exact to a microsecond."""

    user: float = 0.0
    system: float = 0.0
    total: float = 0.0

    def __add__(self, other: "Cpu") -> "Cpu":
        return Cpu(self.user + other.user, self.system + other.system, self.total + other.total)

    def __sub__(self, other: "Cpu") -> "Cpu":
        return Cpu(self.user - other.user, self.system - other.system, self.total - other.total)


def on_core(core: int | None, command: Sequence[str]) -> list[str]:
    """The command, kept to one core if one is named, and ended with this process."""
    pinned = [] if core is None else ["taskset", "-c", str(core)]
    return [*pinned, "setpriv", "--pdeathsig", "TERM", *command]


def start(
    stack: ExitStack, core: int | None, command: Sequence[str], log: Path
) -> "subprocess.Popen[bytes]":
    """Start a child that ends with the stack; what it says goes to ``log``."""
    environment = {k: v for k, v in os.environ.items() if k not in _NOT_INHERITED}
    with log.open("wb") as out:
        child = subprocess.Popen(
            on_core(core, command),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # a terminal's Ctrl-C is for the bench, which ends its children
            env=environment,
            cwd=ROOT,
        )
    stack.callback(end, child)
    return child


def end(child: "subprocess.Popen[bytes]") -> None:
    """End a child, as gently as it lets itself be ended."""
    child.terminate()
    try:
        child.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()


def family(pid: int) -> list[int]:
    """A process and all below it."""
    tasks = Path(f"/proc/{pid}/task")
    children = [c for t in tasks.iterdir() for c in (t / "children").read_text().split()]
    return [pid, *(member for child in children for member in family(int(child)))]


def cpu(pids: Iterable[int]) -> Cpu:
    """What processes have used so far; their user and system time is known to 10 ms only."""
    return sum((_used(pid) for pid in pids), Cpu())


def _used(pid: int) -> Cpu:
    stat = read_stat(Path(f"/proc/{pid}/stat").read_text())
    exact = time.clock_gettime(~pid << 3 | _CPUCLOCK_SCHED)
    return Cpu(stat.user, stat.system, exact)


def read_stat(text: str) -> Cpu:
    """The CPU time in a /proc/PID/stat; a process's name may hold spaces and brackets."""
    fields = text.rpartition(")")[2].split()
    return Cpu(int(fields[11]) / _TICK, int(fields[12]) / _TICK)


def memory(pids: Iterable[int]) -> int:
    """The octets that processes take, shared pages by their share."""
    return sum(read_pss(Path(f"/proc/{pid}/smaps_rollup").read_text()) for pid in pids)


def read_pss(text: str) -> int:
    """The Pss in a /proc/PID/smaps_rollup, in octets."""
    line = next(line for line in text.splitlines() if line.startswith("Pss:"))
    return int(line.split()[1]) * 1024
