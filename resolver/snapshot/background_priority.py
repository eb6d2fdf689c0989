"""Compiling on cores that answer: clients do not wait for a compiler.

How it works: the compiler gets the time that nobody else wants (SCHED_IDLE). Niceness alone
does not do: since Linux 6.6 even the nicest runs on for its slice, some 3 ms, while a worker
that has a query waits. But where others leave no time at all, as in a flood, what takes only
the rest never ends, and the operator's answer to the flood may be just this config. So it is
watched, and a compiler that gets next to nothing is to be ended and begun again with a
small share of its own: a process cannot come back from SCHED_IDLE.
"""

import asyncio
import contextlib
import os
from pathlib import Path

_LOOK = 5.0
"""Seconds between two looks at what it got."""
_LITTLE = 0.03
"""Of a core, what is next to nothing: SCHED_IDLE beside one busy process gets 0.003."""
_NICENESS = 10
"""A tenth of a core beside one busy process."""
_TICKS = os.sysconf("SC_CLK_TCK")


def set_idle_priority(process: int) -> None:
    """Have a process take only what others leave, or little where the sandbox forbids that."""
    try:
        os.sched_setscheduler(process, os.SCHED_IDLE, os.sched_param(0))
    except OSError:
        set_low_priority(process)


def set_low_priority(process: int) -> None:
    """Have a process take a small share; where that is forbidden it is one like the others."""
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, process, _NICENESS)


async def starved_of_cpu(process: int, work: "asyncio.Task[object]") -> bool:
    """Wait for some work of a process to end; True as soon as it gets next to no time for it."""
    had = 0.0
    while True:
        await asyncio.wait([work], timeout=_LOOK)
        has = _had(process)
        if work.done() or has is None:
            return False
        if has - had < _LITTLE * _LOOK:
            return True
        had = has


def _had(process: int) -> float | None:
    """The seconds of a core that a process has had; None where that cannot be told."""
    try:
        told = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return (int(told[11]) + int(told[12])) / _TICKS
