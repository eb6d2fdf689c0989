"""CPU priority of the compiler and of the zone writer, so that they never delay replies.

They run at idle priority (SCHED_IDLE): they get only the CPU time that nobody else wants.
Niceness is not enough. Since Linux 6.6 even the nicest process runs to the end of its slice, some
3 ms, while a worker with a query waits.

At idle priority a process never ends where others leave no CPU time at all, as in a flood, and the
operator's answer to the flood may be this very config. So its CPU time is watched. A starved
process is killed and started again at low priority: a process cannot leave SCHED_IDLE.
"""

import asyncio
import contextlib
import os
from pathlib import Path

from resolver.system import child_process
from resolver.system.log import log

_LOOK = 5.0
"""Seconds between two looks at the CPU time."""
_STARVED = 0.03
"""Share of a core below which a process is starved; idle priority beside a busy one gives 0.003."""
NICENESS = 10
"""A tenth of a core beside one busy process."""
_TICKS = os.sysconf("SC_CLK_TCK")


async def run_in_background(
    module: str, *arguments: str, given: bytes = b"", limits: str = ""
) -> tuple[bytes, int | None]:
    """What a module prints that runs at idle priority, at low priority where it is starved.

    Also its exit code. OSError where no process can be started. ``limits`` are as those of
    ``child_process.expendable``.
    """
    process = await child_process.start(module, *arguments, limits=limits)
    set_idle_priority(process.pid)
    work = asyncio.create_task(child_process.output(process, given))
    try:
        if not await is_starved(process.pid, work):
            return await work
    finally:
        work.cancel()
    log.warning("the cores are full; %s starts again at low priority", module)
    process = await child_process.start(module, *arguments, limits=limits)
    set_low_priority(process.pid)
    return await child_process.output(process, given)


def set_idle_priority(process: int) -> None:
    """Give a process only the CPU time that others leave; where that is forbidden, low priority."""
    try:
        os.sched_setscheduler(process, os.SCHED_IDLE, os.sched_param(0))
    except OSError:
        set_low_priority(process)


def set_low_priority(process: int) -> None:
    """Give a process a small share of CPU time; where that is forbidden, do nothing."""
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, process, NICENESS)


async def is_starved(process: int, work: "asyncio.Task[object]") -> bool:
    """Wait until the work of a process is done (False), or it gets almost no CPU time (True)."""
    before = 0.0
    while True:
        await asyncio.wait([work], timeout=_LOOK)
        now = _cpu_time(process)
        if work.done() or now is None:
            return False
        if now - before < _STARVED * _LOOK:
            return True
        before = now


def _cpu_time(process: int) -> float | None:
    """The CPU time of a process in seconds; None where it has ended."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return (int(fields[11]) + int(fields[12])) / _TICKS
