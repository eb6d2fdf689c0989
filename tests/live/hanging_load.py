"""A worker whose load of the policy never ends."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.live.waiting import wait_for


@contextmanager
def hanging_load(compiled: Path, worker: int) -> Iterator[None]:
    """Kill a worker; the next one reads a file of the policy that never ends."""
    pipe, whole = compiled.with_suffix(".pipe"), compiled.with_suffix(".whole")
    os.link(compiled, whole)
    os.mkfifo(pipe)
    pipe.rename(compiled)
    os.kill(worker, signal.SIGKILL)
    never_ends = wait_for(lambda: _opened_by_a_reader(compiled), "it reads")
    whole.rename(compiled)
    yield
    os.close(never_ends)


def _opened_by_a_reader(pipe: Path) -> int | None:
    """A descriptor for writing, once somebody reads."""
    with suppress(OSError):
        return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
    return None
