"""When a worker's loop searches for cycles of garbage, and when it does not.

Reference counting frees nearly all objects. The objects of start-up live as long as the worker, a
snapshot's until the next snapshot, and most cache entries long. To search all of them for cycles
took a third of the time of a miss; to search those of a new snapshot once took 5 ms (with 150,000
exceptions). So only the youngest objects are searched, and none while a snapshot is loaded.
"""

import asyncio
import gc
from collections.abc import Callable
from typing import Final, TypeVar

T = TypeVar("T")
_INTERVAL: Final = 0.1
"""Seconds between two searches. At 0.5, one took 3.5 ms in a worker that was busy with misses."""


class GarbageCollection:
    """Garbage collection beside the loop's work."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._loading = 0

    def start(self) -> None:
        """Spare the objects of start-up, and search younger ones from now on."""
        gc.collect()
        gc.freeze()
        gc.disable()
        self._collect()

    async def load(self, build: Callable[[], T]) -> T:
        """Call a function that builds many long-lived objects, in a thread; spare these objects."""
        self._loading += 1
        try:
            return await asyncio.to_thread(build)
        finally:
            self._loading -= 1
            gc.freeze()

    def _collect(self) -> None:
        if not self._loading:
            gc.collect(0)
        self._loop.call_later(_INTERVAL, self._collect)
