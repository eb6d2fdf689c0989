"""What the supervisor does beside DNS: in tasks, of which none can end the server.

An exception that reaches a task is a fault of this program. It is logged, and what has no end
begins again. Without that, a failure would end the work for good, and nobody would know.
"""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from typing import Any

from resolver.system.log import log

_AGAIN = 10.0
"""Seconds until work that has failed begins again."""
_SAID_AGAIN = 60.0
"""Seconds until it is logged again that connections are not accepted."""

Work = Coroutine[None, None, object]


def report_unaccepted() -> None:
    """Log in one line that connections of commands and of HTTP are not accepted.

    asyncio tries again after a second. It reports up to a hundred failures of each try, each with
    a traceback, which fill the log.
    """
    loop = asyncio.get_running_loop()
    said_until = 0.0

    def report(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        nonlocal said_until
        error = context.get("exception")
        if not (isinstance(error, OSError) and "socket.accept()" in context["message"]):
            loop.default_exception_handler(context)
        elif loop.time() >= said_until:
            said_until = loop.time() + _SAID_AGAIN
            log.warning("no command and no HTTP request is accepted for now: %s", error)

    loop.set_exception_handler(report)


async def wait_at_most(seconds: float, event: asyncio.Event) -> None:
    """Wait until an event is set, for this time at most."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()


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
