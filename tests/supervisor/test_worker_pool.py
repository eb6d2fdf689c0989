"""Whether all workers have served at all times, which each minute of the figures says."""

import asyncio
from collections.abc import Callable
from typing import Any, cast

from resolver.metrics.part_states import PartStates, WorkersState
from resolver.supervisor.background_tasks import BackgroundTasks
from resolver.supervisor.rollout import Rollout
from resolver.supervisor.worker_pool import WorkerPool


class _Slot:
    """The place of a worker that serves once it was started, until it ends."""

    number = 0

    def __init__(self) -> None:
        self.serving = False
        self.starts = asyncio.Semaphore(0)
        self._on_exit: Callable[[Any], None] | None = None

    def hangs(self) -> float:
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
