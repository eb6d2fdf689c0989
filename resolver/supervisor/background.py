"""What the supervisor does beside DNS: in tasks, of which none can end the server.

An exception that reaches a task is a fault of this program. It is logged, and what has no end
begins again. Without that, a failure would end the work for good, and nobody would know.
"""

import asyncio
from collections.abc import Callable, Coroutine

from resolver.metrics.log import log

_AGAIN = 10.0
"""Seconds until work that has failed begins again."""

Work = Coroutine[None, None, object]


class BackgroundTasks:
    """The tasks beside DNS, until the loop ends."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[object]] = set()

    def start(self, work: Work) -> asyncio.Task[object]:
        """Do work once."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def keep(self, run: Callable[[], Work]) -> asyncio.Task[object]:
        """Do work that has no end, or that ends by itself where there is nothing to do."""
        return self.start(_kept(run))

    def _ended(self, task: asyncio.Task[object]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("work beside DNS has failed", exc_info=error)


async def _kept(run: Callable[[], Work]) -> None:
    while True:
        try:
            await run()
        except Exception:
            log.exception("work beside DNS has failed; it begins again in %g seconds", _AGAIN)
            await asyncio.sleep(_AGAIN)
        else:
            return
