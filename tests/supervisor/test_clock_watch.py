"""The server notes the time, so that a clock that is behind it is found after the next start."""

import asyncio
import time
from pathlib import Path

from resolver.metrics.served_config import ServedConfig
from resolver.snapshot.clock_note import clock_is_behind
from resolver.supervisor.watches import ClockWatch
from tests.policy.networks import CONFIG, LISTS, snapshot_of


def test_the_time_is_noted(tmp_path: Path) -> None:
    compiled = snapshot_of(CONFIG, LISTS).compiled
    config = ServedConfig(tmp_path / "config.toml", tmp_path, compiled, tmp_path, 0.0)

    async def play() -> None:
        async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
            watching = tasks.create_task(ClockWatch(config).run())
            while not (tmp_path / "latest-time").exists():
                await asyncio.sleep(0)
            watching.cancel()

    yesterday = time.time() - 86400
    assert not clock_is_behind(tmp_path, yesterday, synchronised=False)
    asyncio.run(play())
    assert clock_is_behind(tmp_path, yesterday, synchronised=False)
