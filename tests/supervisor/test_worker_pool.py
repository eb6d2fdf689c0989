"""The workers of a server: whether all have served at all times, and which of them hang."""

import asyncio
import time
from collections.abc import Callable
from typing import Any, cast

import pytest

from resolver.metrics.layout import BEAT
from resolver.metrics.part_states import PartStates, WorkersState
from resolver.supervisor import worker_processes
from resolver.supervisor.background_tasks import BackgroundTasks
from resolver.supervisor.rollout import Rollout
from resolver.supervisor.worker_pool import WorkerPool
from resolver.supervisor.worker_processes import WorkerSlot


class _Slot:
    """The place of a worker that serves once it was started, until it ends."""

    number = 0

    def __init__(self) -> None:
        self.serving = False
        self.starts = asyncio.Semaphore(0)
        self._on_exit: Callable[[Any], None] | None = None

    def hangs(self, _late: float) -> float:
        return 0.0

    def pause_before_restart(self) -> float:
        return 0.0

    async def stop(self) -> None:
        self.serving = False

    def start(self, on_exit: Callable[[Any], None]) -> None:
        self.serving, self._on_exit = True, on_exit
        self.starts.release()

    def end(self) -> None:
        assert self._on_exit is not None
        self.serving = False
        self._on_exit(self)


class _Rollout:
    def __init__(self) -> None:
        self.slots = [_Slot(), _Slot()]

    async def start_worker(
        self, slot: _Slot, on_exit: Callable[[Any], None], *, draining: bool
    ) -> None:
        assert not draining
        slot.start(on_exit)


def test_a_worker_that_was_replaced_in_a_minute_has_not_served_in_all_of_it() -> None:
    async def replaced() -> list[bool]:
        rollout = _Rollout()
        pool = WorkerPool(cast("Rollout", rollout), BackgroundTasks())
        await pool.start(lambda: None)
        minutes = [pool.all_served(), pool.all_served()]
        slot = rollout.slots[1]
        await slot.starts.acquire()
        slot.end()
        await slot.starts.acquire()
        while PartStates(pool.states()).of(WorkersState).restarts == 0:
            await asyncio.sleep(0)
        assert PartStates(pool.states()).of(WorkersState) == WorkersState(2, 2, 1)
        minutes += [pool.all_served(), pool.all_served()]
        await pool.stop()
        await pool.watched()
        return minutes

    # None has served from the begin of the first minute.
    assert asyncio.run(replaced()) == [False, True, False, True]


class _Started:
    """The rollout to a worker that serves already."""

    def __init__(self, slot: WorkerSlot) -> None:
        self.slots = [slot]

    async def start_worker(self, *_: object, **__: object) -> None:
        pass


class _Silent(WorkerSlot):
    """The place of a worker whose heartbeats the test gives."""

    def __init__(self) -> None:
        super().__init__(0, [], -1)
        self._process = cast("Any", self)
        self.serving = True
        self.killed = asyncio.Event()
        self.beat()

    def beat(self) -> None:
        self.cells[BEAT] = int(time.monotonic() * 1000)

    def kill(self) -> None:
        self.killed.set()

    async def stop(self) -> None:
        self.serving = False


def test_a_worker_hangs_but_not_while_the_host_stands_still(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(worker_processes, "HANG", 1.0)

    async def frozen() -> None:
        slot, looks = _Silent(), asyncio.Semaphore(0)
        pool = WorkerPool(cast("Rollout", _Started(slot)), BackgroundTasks())
        await pool.start(looks.release)
        await looks.acquire()
        slot.beat()
        time.sleep(2.0)  # as a container does that is frozen for a backup: no loop goes on
        await looks.acquire()
        slot.beat()
        await looks.acquire()
        assert not slot.killed.is_set()
        await slot.killed.wait()
        await pool.stop()
        await pool.watched()

    asyncio.run(asyncio.wait_for(frozen(), 30))
