"""One row of the table: a fault, or two at a time, under load; what came of it."""

import re
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import NamedTuple

from tests.live.waiting import wait_for
from tests.programs.bench.processes import memory
from tests.programs.busy import CpuPressure, is_busy
from tests.programs.chaos.faults import Bounds, Fault
from tests.programs.chaos.load import Load
from tests.programs.chaos.system import CommandFailed, System, descriptors, system
from tests.programs.chaos.tally import Tally

_COUNTED = (
    "darban_worker_restarts_total",
    "darban_block_log_lost_total",
    "darban_list_failures_total",
    "darban_socket_drops_total",
)
_MORE_DESCRIPTORS = 0.5
"""For a question a second, beside those at the begin: the load has then run for a moment, and a
socket to an upstream may live for ten seconds. A burst makes some 800 TCP connections."""
_LATE_ANSWERS = 17.0
"""Seconds that a socket to an upstream may live after a query: the last attempt is sent within
3.6 s, can be answered for 10 s, and is dropped up to 2.5 s later."""
_EXCEPTION = re.compile("Traceback|never retrieved")


class Pace(NamedTuple):
    """The load, and the seconds around a fault."""

    rate: int = 400
    """Questions a second."""
    warm: float = 3.0
    before: float = 1.0
    after: float = 3.0
    burst: int = 20000
    """Questions that are asked at the end, as fast as they are answered."""


class Row(NamedTuple):
    """What came of a fault."""

    name: str
    wanted: str
    tally: Tally
    recovery: float
    """Seconds from the end of the fault until every question was answered well."""
    memory: tuple[float, float]
    """MiB of all processes before and after."""
    said: list[str]
    """Lines of the log, refusals, and counters that have risen."""
    broken: list[str]
    """What does not hold."""
    late: list[str]
    """What took longer than it may."""
    certain: bool
    """Whether something is broken that no busy machine breaks."""
    busy: float
    """The share of the time in which something had to wait for a CPU."""

    @property
    def holds(self) -> bool:
        """Whether everything was as wanted."""
        return not self.broken and not self.late

    @property
    def may_be_excused(self) -> bool:
        """Whether a busy machine may be why it does not hold."""
        return not self.holds and not self.certain and is_busy(self.busy)


def row(faults: Sequence[Fault], seed: int, pace: Pace) -> Row:
    """Start everything, and let the faults happen, each before the ones before it end."""
    clock = any(fault.clock for fault in faults)
    with system(seed, pace.rate, clock=clock) as (whole, load):
        time.sleep(pace.warm)
        return suffer(whole, load, faults, pace)


def suffer(whole: System, load: Load, faults: Sequence[Fault], pace: Pace) -> Row:
    """Let faults happen to a system that runs and is warm."""
    whole.said()
    whole.notes.clear()
    before, values, open_before = _memory(whole), _counted(whole), descriptors(whole.everyone())
    tally, began, pressure = load.tallies[-1], time.monotonic(), CpuPressure()
    bounds = sum((fault.bounds for fault in faults[1:]), faults[0].bounds)
    if bounds.stale:
        whole.truth.stale.begin(True, began)
    time.sleep(pace.before)
    broken = []
    for fault in faults:
        broken += _attempt(fault.begins, whole)
    time.sleep(max(fault.seconds for fault in faults))
    for fault in reversed(faults):
        broken += _attempt(fault.ends, whole)
    ended = time.monotonic()
    wait_for(whole.is_whole, "every worker serves", 30)
    time.sleep(pace.after)
    load.settled(tally)
    if bounds.stale:
        whole.truth.stale.end(False, time.monotonic())
    busy = pressure.share
    afterwards = load.burst(pace.burst)
    said = whole.said()
    recovery = max(0.0, tally.last_bad - ended)
    alone = len(faults) == 1
    broken = [*(broken if alone else ()), *beyond(bounds, tally)]
    broken += [f"afterwards {text}" for text in beyond(Bounds(), afterwards)]
    most = open_before + int(_MORE_DESCRIPTORS * pace.rate)
    left = _attempt(partial(_are_closed, most), whole)
    exceptions = sum(bool(_EXCEPTION.search(text)) for text in said)
    if alone and not any(re.search(faults[0].says, line) for line in said or [""]):
        broken.append(f"the log has no {faults[0].says!r}")
    if exceptions:
        broken.append(f"{exceptions} exceptions in the log")
    rises = [
        f"{name}: {now - then:+.0f}"
        for (name, then), now in zip(values.items(), _counted(whole).values(), strict=True)
        if now > then
    ]
    return Row(
        " + ".join(fault.name for fault in faults),
        faults[0].wanted if alone else "0 wrong, and what each alone may do",
        tally,
        recovery,
        (before, _memory(whole)),
        [text.replace(f"{whole.server.directory}/", "") for text in (*rises, *whole.notes, *said)],
        broken + left,
        _late(bounds, tally, recovery),
        bool(tally.wrong or afterwards.wrong or left or exceptions),
        busy,
    )


def _are_closed(most: int, whole: System) -> None:
    what = f"no more than {most} of {descriptors(whole.everyone())} descriptors are left"
    wait_for(lambda: descriptors(whole.everyone()) <= most, what, _LATE_ANSWERS)


def _attempt(step: Callable[[System], None], whole: System) -> list[str]:
    """Let a fault begin or end; what was not as wanted."""
    try:
        step(whole)
    except (AssertionError, CommandFailed, OSError) as error:
        return [f"{error}"]
    return []


def beyond(bounds: Bounds, tally: Tally) -> list[str]:
    """The counts that are not within the bounds."""
    failed = sum(n for kind, n in tally.failed.items() if kind not in bounds.failing)
    checks = (
        (bool(tally.wrong), f"{len(tally.wrong)} wrong, the first: {tally.wrong[:1]}"),
        (tally.lost["UDP"] > bounds.lost, f"{tally.lost['UDP']} lost over UDP"),
        (tally.lost["TCP"] > bounds.cut, f"{tally.lost['TCP']} lost over TCP"),
        (failed > 0, f"{failed} failed that must not: {dict(tally.failed)}"),
        (tally.failed.total() > bounds.failed * tally.sent, f"{tally.failed.total()} failed"),
    )
    return [text for bad, text in checks if bad]


def _late(bounds: Bounds, tally: Tally, recovery: float) -> list[str]:
    """The times that are not within the bounds, but for those that the load stood still."""
    lag = tally.lag
    checks = (
        (tally.silence > bounds.silence + lag, f"a silence of {tally.silence:.1f} s"),
        (tally.slowest > bounds.slowest + lag, f"a reply after {tally.slowest:.1f} s"),
        (recovery > bounds.recovery + lag, f"not recovered for {recovery:.1f} s"),
    )
    return [text for bad, text in checks if bad]


def _memory(whole: System) -> float:
    with suppress(OSError):
        return memory(whole.everyone()) / 2**20
    return 0.0


def _counted(whole: System) -> dict[str, float]:
    values = wait_for(whole.scrape, "metrics are served")
    return {name: values.total(name) for name in _COUNTED}


def table(rows: Sequence[Row]) -> str:
    """All rows, in Markdown."""
    head = (
        "fault", "wanted", "sent", "answered", "SERVFAIL", "lost (UDP, TCP)", "wrong", "silence s",
        "slowest s", "recovery s", "MiB", "busy", "said", "holds",
    )  # fmt: skip
    lines = [line(head), line(["---"] * len(head))]
    return "\n".join([*lines, *(line(_cells(item)) for item in rows)])


def _cells(item: Row) -> list[str]:
    tally = item.tally
    return [
        item.name,
        item.wanted,
        str(tally.sent),
        str(tally.answered),
        str(tally.failed.total()),
        f"{tally.lost['UDP']}, {tally.lost['TCP']}",
        str(len(tally.wrong)),
        f"{tally.silence:.2f}",
        f"{tally.slowest:.2f}",
        f"{item.recovery:.2f}",
        f"{item.memory[0]:.1f}, then {item.memory[1]:.1f}",
        f"{item.busy:.0%}",
        shortened(item.said),
        "**NO**: " + "; ".join(bad) if (bad := item.broken + item.late) else "yes",
    ]


def shortened(said: Sequence[str], most: int = 4, longest: int = 110) -> str:
    """The first lines that differ, each shortened."""
    lines = list(dict.fromkeys(line.strip() for line in said if line.strip()))
    texts = [line if len(line) <= longest else f"{line[:longest]}..." for line in lines[:most]]
    return "; ".join([*texts, *([f"and {len(lines) - most} more"] if len(lines) > most else [])])


def line(cells: Sequence[str]) -> str:
    """A line of a table in Markdown."""
    return "| " + " | ".join(cell.replace("\n", " ").replace("|", "/") for cell in cells) + " |"
