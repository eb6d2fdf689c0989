"""Keeps a worker in every slot: starts the workers, and replaces one that ends or hangs."""

import asyncio
from collections.abc import Callable, Iterable

from resolver import DarbanError
from resolver.metrics.counter_sums import CounterSums
from resolver.metrics.part import Part
from resolver.metrics.part_states import WorkersState
from resolver.server.worker_channel import WorkerMessage
from resolver.supervisor.background_tasks import BackgroundTasks, wait_at_most
from resolver.supervisor.rollout import Rollout
from resolver.supervisor.worker_processes import BACKOFF, LoadFailed, WorkerSlot
from resolver.system.log import log

_WATCH = 0.5
"""Seconds between two looks at the heartbeats."""


class WorkerPool(Part):
    """All workers of a server."""

    def __init__(self, rollout: Rollout, background: BackgroundTasks) -> None:
        self.slots = rollout.slots
        self._rollout = rollout
        self._workers = self._fewest = self._restarts = 0
        """Workers that serve, and the fewest that have served since ``all_served`` was called."""
        self._draining = False
        self._background = background
        self._stopping = asyncio.Event()
        self._watching: asyncio.Task[None] | None = None

    @property
    def serving(self) -> int:
        """How many workers serve."""
        return sum(slot.serving for slot in self.slots)

    @property
    def state(self) -> WorkersState:
        """How many workers serve, and whether clients may use this node."""
        return WorkersState(self._workers, len(self.slots), self._restarts, self._draining)

    def states(self) -> Iterable[object]:
        """A ``WorkersState``."""
        yield self.state

    def all_served(self) -> bool:
        """Whether all workers have served at all times since the call before."""
        fewest, self._fewest = min(self._fewest, self._workers), self._workers
        return fewest >= len(self.slots)

    def sums(self) -> CounterSums:
        """The counters of all workers, also of those that have ended."""
        return CounterSums(self._rollout.layout, [slot.cells for slot in self.slots])

    async def start(self, alive: Callable[[], None]) -> None:
        """Start all workers, and watch them from now on, since one may hang while it starts.

        ``alive`` is called again and again while a worker serves.

        Raises:
            DarbanError: no worker serves.
        """
        self._watching = asyncio.create_task(self._watch(alive))
        await asyncio.gather(*map(self._start, self.slots))
        if not self._workers:
            raise DarbanError("no worker could start; the log above says why")

    def stop_watching(self) -> None:
        """Let ``watched`` return, and replace no worker from now on."""
        self._stopping.set()

    async def watched(self) -> None:
        """Wait until ``stop_watching`` is called."""
        assert self._watching is not None, "the workers are started first"
        await self._watching

    async def stop(self) -> None:
        """Stop all workers."""
        self._stopping.set()
        await asyncio.gather(*(slot.stop() for slot in self.slots))

    async def request(self, message: WorkerMessage, reply: str) -> list[WorkerMessage]:
        """The replies of all workers that serve; one that ends meanwhile gives none."""
        serving = [slot for slot in self.slots if slot.serving]
        replies = await asyncio.gather(*(slot.request(message, reply) for slot in serving))
        return [reply for reply in replies if reply is not None]

    def drain(self, draining: bool) -> None:
        """Say in all replies to health checks whether clients should ask another node."""
        self._draining = draining
        for slot in self.slots:
            slot.send({"type": "drain", "draining": draining})

    async def _watch(self, alive: Callable[[], None]) -> None:
        """Kill workers that hang."""
        while not self._stopping.is_set():
            for slot in self.slots:
                if silent := slot.hangs():
                    log.error(
                        "worker %d: no heartbeat for %.0f s; restarting it", slot.number, silent
                    )
                    slot.kill()
            if self._workers:
                alive()
            await wait_at_most(_WATCH, self._stopping)

    async def _start(self, slot: WorkerSlot) -> None:
        await self._rollout.start_worker(slot, self._on_exit, draining=self._draining)
        self._count()

    def _on_exit(self, slot: WorkerSlot) -> None:
        self._count()
        if not self._stopping.is_set():
            self._background.start(self._replace(slot))

    def _count(self) -> None:
        self._workers = self.serving
        self._fewest = min(self._fewest, self._workers)

    async def _replace(self, slot: WorkerSlot) -> None:
        pause = slot.pause_before_restart()
        while True:
            await asyncio.sleep(pause)
            if self._stopping.is_set():
                return
            try:
                await self._start(slot)
            except OSError as error:  # out of processes or descriptors, which may pass
                log.error("worker %d cannot be started now (%s)", slot.number, error.strerror)
            except LoadFailed as error:
                log.error(
                    "worker %d: %s; restarting it ('darban reload' writes the snapshot again)",
                    slot.number,
                    error,
                )
                slot.kill()  # at its end, this begins again
                return
            else:
                self._restarts += 1
                return
            pause = BACKOFF
