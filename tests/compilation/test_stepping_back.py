"""While the server answers, the compiler takes what is left, and a little where nothing is."""

import asyncio
import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from resolver import state
from resolver.compilation.candidate import Accepted, compile_apart
from resolver.compilation.stepping_back import is_time_left, step_back

CONFIG = """
[lists]
directories = []
[upstream]
servers = ["192.0.2.1"]
[policies.p]
deny = ["denied.example"]
[vlans.v]
prefixes = ["10.0.0.0/8", "fd00::/8"]
policy = "p"
"""
FOR_EVER = "while True: pass"
STDIN = "import sys; sys.stdin.read()"


@contextlib.contextmanager
def _running(code: str) -> Iterator[int]:
    process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE)
    try:
        yield process.pid
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def _one_core() -> Iterator[None]:
    """This process, and what it starts, on one core."""
    usable = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(usable)})
    yield
    os.sched_setaffinity(0, usable)


@pytest.mark.usefixtures("_one_core")
def test_a_core_that_is_busy_has_no_time_left() -> None:
    with _running(FOR_EVER):
        assert not is_time_left()


@pytest.mark.usefixtures("_one_core")
def test_a_core_has_time_left_when_nobody_wants_it() -> None:
    assert any(is_time_left() for _ in range(20)), "the machine is busy with other things"


def test_the_thread_that_tries_is_the_only_one_that_stepped_back() -> None:
    is_time_left()
    assert os.sched_getscheduler(0) == os.SCHED_OTHER


@pytest.mark.parametrize(
    ("time_is_left", "policy", "niceness"),
    [(True, os.SCHED_IDLE, 0), (False, os.SCHED_OTHER, 10)],
)
def test_how_far_it_steps_back(time_is_left: bool, policy: int, niceness: int) -> None:
    with _running(STDIN) as process:
        step_back(process, time_is_left)
        assert _priority(process) == (policy, niceness)


def test_a_process_that_has_ended_needs_not_step_back() -> None:
    with _running("") as process:
        os.waitid(os.P_PID, process, os.WEXITED | os.WNOWAIT)
    step_back(process, time_is_left=True)
    step_back(process, time_is_left=False)


@pytest.mark.parametrize("while_serving", [True, False])
def test_the_compiler_steps_back_only_while_serving(tmp_path: Path, while_serving: bool) -> None:
    config = tmp_path / "config.toml"
    config.write_text(CONFIG)
    accepted, seen = asyncio.run(_watched(config, while_serving))
    assert accepted.snapshot.is_dir()
    stepped_back = {(os.SCHED_IDLE, 0), (os.SCHED_OTHER, 10)}
    assert bool(stepped_back & set(seen)) is while_serving, seen


async def _watched(config: Path, while_serving: bool) -> tuple[Accepted, Sequence[tuple[int, int]]]:
    """What came of a config, and the priorities that its compiler was seen with."""
    directory = state.directory(config)
    work = asyncio.create_task(compile_apart(config, directory, while_serving=while_serving))
    seen = []
    while not work.done():
        for child in _children():
            with contextlib.suppress(ProcessLookupError):
                seen.append(_priority(child))
        await asyncio.sleep(0.005)
    return await work, seen


def _children() -> list[int]:
    return [
        int(child)
        for task in Path("/proc/self/task").iterdir()
        for child in (task / "children").read_text().split()
    ]


def _priority(process: int) -> tuple[int, int]:
    return os.sched_getscheduler(process), os.getpriority(os.PRIO_PROCESS, process)
