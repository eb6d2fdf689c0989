"""What a child inherits from the server, and what it does not."""

import asyncio
from pathlib import Path

import pytest

from resolver.processes import child_process
from tests.live.waiting import wait_for

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
