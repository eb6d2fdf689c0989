"""Test the policy in production: each worker decides the expectations of the config.

Hourly, and after each change, each worker that serves decides every expectation by the engine that
answers its queries. A decision that is wrong twice, with a pause between, is a fault. One alone may
come from hours or an exemption that begin or end in this moment.

The worker decides them with its exemptions and hours (``engine.decisions``), and asks no upstream.
``analysis.wrong_decisions`` judges the decisions. Each minute of the figures has what the self-test
has said: by it ``audit.coverage`` finds in which time a policy was in force and tested.
"""

import asyncio
import time
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from resolver.metrics.part import Part
from resolver.metrics.part_states import SelfTestState
from resolver.supervisor.background_tasks import wait_at_most
from resolver.supervisor.rollout import Rollout
from resolver.supervisor.worker_pool import WorkerPool
from resolver.supervisor.wrong_decisions import wrong_decisions
from resolver.system.log import log

_EACH: Final = 3600.0
"""Seconds between two tests without a change."""
_SOON: Final = 60.0
"""Seconds to the next test where no worker could be asked."""
_AGAIN: Final = 2.0
"""Seconds from a wrong decision to the second look at it."""


class SelfTest(Part):
    """The tests, and what the last one has said."""

    def __init__(self, pool: WorkerPool, rollout: Rollout) -> None:
        self._pool = pool
        self._rollout = rollout
        self._state = SelfTestState()
        self._wanted = asyncio.Event()

    def after_reload(self) -> None:
        """Test soon: something else may be in force."""
        self._state = replace(self._state, result="untested")
        self._wanted.set()

    def states(self) -> Iterable[object]:
        """A ``SelfTestState``."""
        yield self._state

    async def run(self) -> None:
        """Test again and again, until cancelled."""
        while True:
            self._wanted.clear()
            wrong = first = await self._wrong()
            if first:
                await asyncio.sleep(_AGAIN)
                again = await self._wrong()
                wrong = None if again is None else tuple(text for text in again if text in first)
            if not self._wanted.is_set():
                self._report(wrong)
            is_open = wrong is None and self._expects()
            await wait_at_most(_SOON if is_open else _EACH, self._wanted)

    def _report(self, wrong: tuple[str, ...] | None) -> None:
        before = self._state
        if wrong is None and self._expects():  # what was wrong may still be
            self._state = replace(before, result="untested")
            return
        decisions = wrong or ()
        for decision in decisions:
            if decision not in before.wrong_decisions:
                log.error("a worker decides wrongly: %s", decision)
        self._state = SelfTestState(
            "untested" if wrong is None else "failed" if decisions else "held", decisions
        )

    def _expects(self) -> bool:
        """Whether there is anything to test."""
        return bool(self._rollout.current.compiled.expectations)

    async def _wrong(self) -> tuple[str, ...] | None:
        """The wrong decisions of all workers; None where nothing can be tested."""
        snapshot = self._rollout.current
        compiled = snapshot.compiled
        if not compiled.expectations:
            return None
        replies = await self._pool.request({"type": "decide"}, "decided")
        if not replies or self._rollout.current is not snapshot:
            return None
        wall = time.time()
        decisions = (
            decision
            for reply in replies
            for decision in wrong_decisions(compiled, wall, reply["decisions"])
        )
        return tuple(dict.fromkeys(decisions))
