"""While the server answers, the compiler runs at idle priority, or at low priority if starved."""

import asyncio
import contextlib
import errno
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from resolver.compiler.child_compiler import compile_in_child
from resolver.compiler.compilation_result import Accepted
from resolver.snapshot import store
from resolver.system import background_priority
from resolver.system.background_priority import is_starved, set_idle_priority, set_low_priority

pytestmark = pytest.mark.processes

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
IDLE = (os.SCHED_IDLE, os.getpriority(os.PRIO_PROCESS, 0))
LOW = (os.SCHED_OTHER, 10)


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


@pytest.fixture
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background_priority, "_LOOK", 0.5)


@pytest.mark.parametrize(("take", "priority"), [(set_idle_priority, IDLE), (set_low_priority, LOW)])
def test_a_process_gets_the_priority(take: object, priority: tuple[int, int]) -> None:
    assert callable(take)
    with _running(STDIN) as process:
        take(process)
        assert _priority(process) == priority


@pytest.mark.parametrize("reason", [errno.EPERM, errno.ENOSYS])
def test_where_idle_priority_is_forbidden_low_priority_is_set(
    reason: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(reason, os.strerror(reason))

    with _running(STDIN) as process:
        with monkeypatch.context() as patched:
            patched.setattr(os, "sched_setscheduler", refuse)
            set_idle_priority(process)
        assert _priority(process) == LOW
        monkeypatch.setattr(os, "setpriority", refuse)
        set_low_priority(process)


def test_a_process_that_has_ended_is_no_error() -> None:
    with _running("") as process:
        os.waitid(os.P_PID, process, os.WEXITED | os.WNOWAIT)
    set_idle_priority(process)
    set_low_priority(process)


def test_a_process_that_gets_cpu_time_is_not_starved(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background_priority, "_LOOK", 2.0)  # the machine may be busy

    async def watched(process: int) -> bool:
        work = asyncio.create_task(asyncio.sleep(2.2))
        return await is_starved(process, work)

    with _running(FOR_EVER) as process:
        assert asyncio.run(watched(process)) is False


@pytest.mark.usefixtures("_one_core", "_soon")
def test_a_process_at_idle_priority_is_starved_by_a_busy_one() -> None:
    async def watched(process: int) -> bool:
        work = asyncio.create_task(asyncio.sleep(60))
        try:
            return await asyncio.wait_for(is_starved(process, work), 30)
        finally:
            work.cancel()

    with _running(FOR_EVER), _running(FOR_EVER) as process:
        set_idle_priority(process)
        assert asyncio.run(watched(process)) is True


@pytest.mark.usefixtures("_one_core", "_soon")
def test_a_starved_compiler_starts_again_at_low_priority(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with _running(FOR_EVER) as other:
        accepted, seen = asyncio.run(_watched(tmp_path, while_serving=True, but=other))
    assert Path(accepted.snapshot).is_dir()
    assert {IDLE, LOW} <= set(seen)
    assert "the cores are full" in caplog.text


@pytest.mark.parametrize("while_serving", [True, False])
def test_the_compiler_has_idle_priority_only_while_serving(
    tmp_path: Path, while_serving: bool
) -> None:
    accepted, seen = asyncio.run(_watched(tmp_path, while_serving=while_serving))
    assert Path(accepted.snapshot).is_dir()
    assert (IDLE in seen) is while_serving, seen


async def _watched(
    place: Path, *, while_serving: bool, but: int = 0
) -> tuple[Accepted, Sequence[tuple[int, int]]]:
    """The result of compiling a config, and the priorities that its compiler was seen with."""
    config = place / "config.toml"
    config.write_text(CONFIG)
    directory = store.directory(config)
    work = asyncio.create_task(compile_in_child(config, directory, while_serving=while_serving))
    seen = []
    while not work.done():
        for child in _children():
            with contextlib.suppress(ProcessLookupError):
                if child != but:
                    seen.append(_priority(child))
        await asyncio.sleep(0.005)
    return await work, seen


def _children() -> list[int]:
    found = []
    for task in Path("/proc/self/task").iterdir():
        with contextlib.suppress(FileNotFoundError):  # a thread that has ended meanwhile
            found += [int(child) for child in (task / "children").read_text().split()]
    return found


def _priority(process: int) -> tuple[int, int]:
    return os.sched_getscheduler(process), os.getpriority(os.PRIO_PROCESS, process)
