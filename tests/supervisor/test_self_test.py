"""When the workers are tested again."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from resolver.supervisor import self_test
from resolver.supervisor.self_test import SelfTest


class _Pool:
    """Workers of which none can be asked at first."""

    def __init__(self) -> None:
        self.asked = 0
        self.asked_twice = asyncio.Event()

    async def request(self, *_: object) -> list[Any]:
        self.asked += 1
        if self.asked == 2:
            self.asked_twice.set()
        return []


def test_where_no_worker_could_be_asked_the_next_test_is_soon(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(self_test, "_SOON", 0.0)

    async def ask() -> int:
        pool: Any = _Pool()
        snapshot = SimpleNamespace(compiled=SimpleNamespace(expectations=("one",)))
        rollout: Any = SimpleNamespace(current=snapshot)
        facts: Any = SimpleNamespace(self_test="held", wrong_decisions=())
        running = asyncio.create_task(SelfTest(pool, rollout, facts).run())
        async with asyncio.timeout(5):
            await pool.asked_twice.wait()
        running.cancel()
        assert facts.self_test == "untested"
        return int(pool.asked)

    assert asyncio.run(ask()) >= 2
