"""Compiling on cores that answer: clients do not wait for a compiler.

How it works: the compiler gets the time that nobody else wants (SCHED_IDLE). Niceness alone
does not do: since Linux 6.6 even the nicest runs on for its slice, some 3 ms, while a worker
that has a query waits. But where others leave no time at all, as in a flood, what takes only
the rest never ends, and the operator's answer to the flood may be just this config. So it is
first tried how much is left, and where that is next to nothing the compiler gets a tenth of
a core. A sandbox may forbid either; then it is a process like the others.
"""

import contextlib
import hashlib
import os
import threading
import time

_TRIAL = 0.03
"""Seconds of a core that are tried to be had: many times the slice that one gets at once."""
_PATIENCE = 0.5
"""Seconds that the trial may take."""
_BLOCK = bytes(1 << 20)
"""What takes some time to hash, during which other threads go on."""
_SHARE = 10
"""The niceness that leaves a tenth of a core."""


def is_time_left() -> bool:
    """Whether work that only takes what others leave gets done; waits for up to half a second."""
    trial = threading.Thread(target=_work_in_idle_time, daemon=True)
    trial.start()
    trial.join(_PATIENCE)
    return not trial.is_alive()


def step_back(process: int, time_is_left: bool) -> None:
    """Have a process that was just started give way to those that answer."""
    with contextlib.suppress(PermissionError, ProcessLookupError):
        if time_is_left:
            os.sched_setscheduler(process, os.SCHED_IDLE, os.sched_param(0))
        else:
            os.setpriority(os.PRIO_PROCESS, process, _SHARE)


def _work_in_idle_time() -> None:
    with contextlib.suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))  # of this thread alone
        while time.thread_time() < _TRIAL:
            hashlib.sha256(_BLOCK)
