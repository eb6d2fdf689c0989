"""What a self-test says of the replies of the workers, and when they are asked again."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from resolver.metrics.part_states import PartStates, SelfTestState
from resolver.supervisor import self_test
from resolver.supervisor.self_test import SelfTest
from tests.compiler.texts import compile_texts

CONFIG = """
[upstream]
servers = ["192.0.2.1"]
[policies.closed]
deny = ["one.example", "two.example"]
[vlans.office]
prefixes = ["10.0.0.0/8"]
policy = "closed"
[[expect]]
client = "10.0.0.5"
name = "one.example"
outcome = "blocked"
[[expect]]
client = "10.0.0.5"
name = "two.example"
outcome = "blocked"
"""
BLOCKED, PASSED = ("blocked", ""), ("passed", "")
RIGHT, ONE_PASSES, TWO_PASSES = (BLOCKED, BLOCKED), (PASSED, BLOCKED), (BLOCKED, PASSED)
ONE = "one.example A from 10.0.0.5: expected blocked, got passed"


class _Pool:
    """Workers that reply in turn as they are told; after that, none replies any more."""

    def __init__(self, replies: list[tuple[Any, ...]]) -> None:
        self._replies = replies
        self.is_done = asyncio.Event()

    async def request(self, *_: object) -> list[Any]:
        if not self._replies:
            self.is_done.set()
            await asyncio.Event().wait()
        return [{"decisions": item} for item in self._replies.pop(0)]


def _tested(monkeypatch: pytest.MonkeyPatch, *replies: tuple[Any, ...]) -> SelfTestState:
    """The state after the workers have replied so; each reply has the decisions of each worker."""
    for pause in ("_EACH", "_SOON", "_AGAIN"):
        monkeypatch.setattr(self_test, pause, 0.0)

    async def run() -> SelfTestState:
        pool: Any = _Pool([*replies])
        rollout: Any = SimpleNamespace(
            current=SimpleNamespace(compiled=compile_texts(CONFIG).compiled)
        )
        test = SelfTest(pool, rollout)
        running = asyncio.create_task(test.run())
        async with asyncio.timeout(5):
            await pool.is_done.wait()
        running.cancel()
        return PartStates(test.states()).of(SelfTestState)

    return asyncio.run(run())


def test_a_decision_that_is_wrong_twice_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    found = _tested(monkeypatch, (RIGHT, ONE_PASSES), (RIGHT, ONE_PASSES))
    assert found == SelfTestState("failed", (ONE,))


def test_one_that_is_wrong_once_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _tested(monkeypatch, (ONE_PASSES,), (TWO_PASSES,)) == SelfTestState("held", ())


def test_a_fault_stays_until_workers_decide_right(monkeypatch: pytest.MonkeyPatch) -> None:
    fault = (ONE_PASSES,), (ONE_PASSES,)
    assert _tested(monkeypatch, *fault, ()) == SelfTestState("untested", (ONE,))
    assert _tested(monkeypatch, *fault, (RIGHT,)) == SelfTestState("held", ())
