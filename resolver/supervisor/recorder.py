"""``darban record`` as the supervisor serves it: every worker counts, one command takes.

The command says which it is (``owner``) with every request, so that two of them never take
each other's counts. Nothing is kept here: the workers hold what was counted until the
command takes it, and forget it when the command is heard no more.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence

from resolver.supervisor.control import Answer, Request
from resolver.supervisor.rollout import Rollout
from resolver.supervisor.worker_processes import WorkerSlot
from resolver.worker.channel import Message
from resolver.worker.recording import LEASE, Row

_ROWS = 8192
"""Rows of an answer, of all workers together."""


class Recorder:
    """Who records, and the way to all workers."""

    def __init__(self, slots: Sequence[WorkerSlot], rollout: Rollout) -> None:
        self._slots = slots
        self._rollout = rollout
        self._owner = ""
        self._until = 0.0

    async def record(self, request: Request) -> Answer:
        """Go on counting for an owner (or count no more), and give it what was counted."""
        owner, counting = str(request.get("owner", "")), request.get("counting") is True
        now = time.monotonic()
        if not owner:
            return {"error": "a recording needs an owner"}
        if self._owner not in ("", owner) and now < self._until:
            return {"error": "another 'darban record' is at work; one at a time"}
        self._owner, self._until = owner, now + LEASE
        serving = [slot for slot in self._slots if slot.serving]
        order: Message = {
            "say": "record",
            "owner": owner,
            "counting": counting,
            "most": max(1, _ROWS // max(1, len(serving))),
        }
        told = await asyncio.gather(*(slot.ask(order, "recorded") for slot in serving))
        answers = [answer for answer in told if answer is not None]
        more = any(answer["more"] for answer in answers)
        if not counting and not more:
            self._owner = ""
        return {
            "vlans": [vlan.name for vlan in self._rollout.now.terms.vlans],
            "rows": _rows(answers),
            "left_out": _left_out(answers),
            "more": more,
            "begun": sum(answer["begun"] for answer in answers),
        }


def _rows(answers: Sequence[Message]) -> list[Row]:
    return [row for answer in answers for row in answer["rows"]]


def _left_out(answers: Sequence[Message]) -> Counter[str]:
    left_out: Counter[str] = Counter()
    for answer in answers:
        left_out.update(answer["left_out"])
    return left_out
