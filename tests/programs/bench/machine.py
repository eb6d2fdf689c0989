"""The machine that is measured on, and the places on it that a run takes."""

import datetime as dt
import os
import platform
import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from tests.live.ports import free_port
from tests.programs.bench.peer import Peer
from tests.programs.bench.processes import ROOT

P = TypeVar("P", bound=Peer)
BUILD = ROOT / "build"


def cores() -> tuple[int, int]:
    """The server's core, and the one for the load and the upstream."""
    usable = sorted(os.sched_getaffinity(0))
    return usable[0], usable[min(1, len(usable) - 1)]


@contextmanager
def off_the_server_s_core() -> Iterator[int]:
    """Keep this process, and what it starts on no other core, on that of the load.

    Gives the server's core.
    """
    usable = os.sched_getaffinity(0)
    server_core, load_core = cores()
    os.sched_setaffinity(0, {load_core})
    try:
        yield server_core
    finally:
        os.sched_setaffinity(0, usable)


def facts(program: str) -> dict[str, str]:
    """What must be known of the machine to read the figures."""
    models = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    return {
        "date": dt.datetime.now(dt.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "command": " ".join([f"python -m {program}", *sys.argv[1:]]),
        "machine": f"{models[0] if models else platform.machine()}, {os.cpu_count()} cores, "
        f"Linux {platform.release()}, Python {platform.python_version()}",
        "load average at the start": f"{load():.2f} (above 0.5 the figures are rough)",
    }


def load() -> float:
    """How many processes have wanted a core in the last minute."""
    return os.getloadavg()[0]


def empty(name: str) -> Path:
    """A directory in the build directory, with nothing in it."""
    place = BUILD / name
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    return place


def settle(kind: type[P], place: Path, upstream: int = 0) -> P:
    """A server that is to run in an empty directory there, on ports that are free."""
    here = place / kind.name.replace(" ", "-")
    here.mkdir()
    return kind(here, free_port(), upstream, free_port())


def end_on_signals() -> None:
    """Let signals end the program by an exit of its own, so that its children end as well."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
