"""``make test-slow-host``: the tests on a host that stands still again and again.

All processes of the tests are frozen together for up to 1.5 s, as a busy hypervisor freezes a
machine: their clocks go on. Twelve workers and four busy loops make the rest of the time slow. A
test that fails here asserts how fast the host is. Root freezes them, by a control group.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

WORKERS, BUSY_LOOPS = 12, 4
RUNS, FROZEN = (1.0, 4.0), (0.1, 1.5)
"""Seconds between two pauses, and of a pause; at random."""
_HOURS = 2
"""The run is given up after them."""
INTO = 'echo $$ >"$0/cgroup.procs" && exec "$@"'
"""Moves a shell into the group that is its first word; there, it becomes the command after it."""


class Freezer:
    """A control group whose processes are frozen and thawed together."""

    def __init__(self, directory: Path, state: str, frozen: str, thawed: str) -> None:
        self.directory = directory
        self._state, self._frozen, self._thawed = directory / state, frozen, thawed

    def freeze(self) -> None:
        """Freeze all processes of the group."""
        self._state.write_text(self._frozen, encoding="ascii")

    def thaw(self) -> None:
        """Let them go on."""
        self._state.write_text(self._thawed, encoding="ascii")

    def end(self) -> None:
        """Kill what is left of them, and remove the group."""
        self.thaw()
        while left := (self.directory / "cgroup.procs").read_text(encoding="ascii").split():
            for pid in left:
                with suppress(ProcessLookupError):  # it has ended meanwhile
                    os.kill(int(pid), signal.SIGKILL)
            time.sleep(0.1)
        self.directory.rmdir()


@contextmanager
def freezer(name: str) -> Iterator[Freezer]:
    """A control group of its own, removed at the end."""
    mounts = [line.split() for line in Path("/proc/mounts").read_text("utf-8").splitlines()]
    unified = [Path(mount[1]) for mount in mounts if mount[2] == "cgroup2"]
    first_version = [
        Path(m[1]) for m in mounts if m[2] == "cgroup" and "freezer" in m[3].split(",")
    ]
    if unified:
        made = Freezer(unified[0] / name, "cgroup.freeze", "1", "0")
    elif first_version:
        made = Freezer(first_version[0] / name, "freezer.state", "FROZEN", "THAWED")
    else:
        raise SystemExit("no control groups are mounted: see cgroups(7)")
    made.directory.mkdir()
    try:
        yield made
    finally:
        made.end()


@contextmanager
def busy_loops(count: int) -> Iterator[None]:
    """Processes that take all CPU time they can get."""
    loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


def run_tests(group: Freezer, arguments: list[str], chance: random.Random) -> int:
    """Run the tests and freeze them at random; the exit code of pytest."""
    pytest = [sys.executable, "-m", "pytest", "-n", str(WORKERS), *arguments]
    tests = subprocess.Popen(["sh", "-c", INTO, group.directory, *pytest], start_new_session=True)
    began, frozen, pauses = time.monotonic(), 0.0, 0
    while tests.poll() is None and time.monotonic() - began < _HOURS * 3600:
        time.sleep(chance.uniform(*RUNS))
        pause = chance.uniform(*FROZEN)
        group.freeze()
        time.sleep(pause)
        group.thaw()
        frozen, pauses = frozen + pause, pauses + 1
    tests.kill()
    share = frozen / (time.monotonic() - began)
    print(f"frozen {pauses} times, {share:.0%} of the time")
    return tests.wait()


def main() -> None:
    """Run what the command line names, or all tests."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    options, arguments = parser.parse_known_args()
    print(f"seed {options.seed}")
    with freezer(f"darban-slow-host-{os.getpid()}") as group, busy_loops(BUSY_LOOPS):
        sys.exit(run_tests(group, arguments, random.Random(options.seed)))


if __name__ == "__main__":
    main()
