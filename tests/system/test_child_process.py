"""What a child inherits from the server, and what it does not."""

import asyncio
import os
import signal
from asyncio.subprocess import Process
from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path

import pytest

from resolver.system import child_process
from tests.live.waiting import wait_for

Use = Callable[[Process], Coroutine[None, None, object]]

pytestmark = pytest.mark.processes


def test_a_child_is_ended_before_the_server_where_memory_runs_out() -> None:
    async def watch() -> None:
        process = await child_process.start("resolver.fetch.validation")
        score = Path(f"/proc/{process.pid}/oom_score_adj")
        try:
            await asyncio.to_thread(wait_for, lambda: score.read_text() == "500\n", "its score")
        finally:
            await child_process.output(process)

    assert Path("/proc/self/oom_score_adj").read_text() != "500\n"
    asyncio.run(watch())


@pytest.mark.parametrize("use", [child_process.output, partial(child_process.ask, line=b"\n")])
def test_a_child_has_ended_when_what_waits_for_it_is_cancelled(use: Use) -> None:
    async def cancel() -> int | None:
        process = await child_process.start("resolver.fetch.validation")
        os.kill(process.pid, signal.SIGSTOP)  # so that it does not answer
        waiting = asyncio.create_task(use(process))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        return process.returncode

    assert asyncio.run(cancel()) == -signal.SIGKILL
