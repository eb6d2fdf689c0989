"""How long a loop stands still at most while a snapshot is loaded beside it, as in a worker.

``targets`` starts this file with the Python of the build that is measured. It reads the snapshot
and makes it ready in a thread, beside a loop that is never idle, and prints the longest wait of
each of the two in milliseconds.
"""

import asyncio
import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from resolver.engine.loaded_snapshot import LoadedSnapshot
from resolver.server.garbage import GarbageCollection
from resolver.server.worker import SWITCH, pause
from resolver.snapshot import store

T = TypeVar("T")


class _Loop:
    """A loop that is never idle, and the longest of its turns."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._garbage = GarbageCollection(self._loop)
        self._garbage.start()
        self._longest = 0.0
        self._latest = time.perf_counter()
        self._turn()

    async def longest_beside(self, work: Callable[[], T]) -> tuple[T, float]:
        """Do work in a thread; its result, and the longest turn meanwhile in milliseconds."""
        self._longest = 0.0
        result = await self._garbage.load(work)
        return result, self._longest * 1e3

    def _turn(self) -> None:
        now = time.perf_counter()
        self._longest, self._latest = max(self._longest, now - self._latest), now
        self._loop.call_soon(self._turn)


async def _measure(snapshot: Path) -> None:
    store.load(snapshot)  # as a worker has done when it loads another one
    loop = _Loop()
    (compiled, index), reading = await loop.longest_beside(lambda: store.load(snapshot, pause))
    _, making_ready = await loop.longest_beside(
        lambda: LoadedSnapshot(compiled, index, time.time(), pause)
    )
    print(reading, making_ready)


def main() -> None:
    """Measure and print."""
    with suppress(PermissionError):  # only root may keep other programs away
        os.setpriority(os.PRIO_PROCESS, 0, -20)
    sys.setswitchinterval(SWITCH)
    asyncio.run(_measure(Path(sys.argv[1])))


if __name__ == "__main__":
    main()
