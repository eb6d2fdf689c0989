"""What the workers are asked by command: to forget names, and who was refused."""

import asyncio
from collections.abc import Sequence

from resolver.dns import names
from resolver.policy.unknown_clients import UnknownClients, merged
from resolver.supervisor.control import Answer, Request
from resolver.supervisor.worker_processes import WorkerSlot
from resolver.worker.channel import Message

_MOST_REFUSED = 20
"""Prefixes of unknown clients that are told of."""


class WorkerCommands:
    """Commands that every worker has a part in."""

    def __init__(self, slots: Sequence[WorkerSlot]) -> None:
        self._slots = slots

    async def flush(self, request: Request) -> Answer:
        """Have every worker forget a name and all below it."""
        try:
            zone = names.parse(str(request.get("name", "")))
        except names.InvalidName as error:
            return {"error": str(error)}
        answers = await self._ask_all({"say": "flush", "zone": zone.hex()}, "flushed")
        return {"entries": sum(answer["entries"] for answer in answers)}

    async def unknown(self, _: Request) -> Answer:
        """Who was refused most, by all workers."""
        answers = await self._ask_all({"say": "strangers"}, "strangers")
        told = (UnknownClients(tuple(each["strangers"]), each["missed"]) for each in answers)
        return merged(told, _MOST_REFUSED)._asdict()

    async def _ask_all(self, order: Message, expected: str) -> list[Message]:
        """What those say that serve; one that ends meanwhile says nothing."""
        serving = [slot for slot in self._slots if slot.serving]
        answers = await asyncio.gather(*(slot.ask(order, expected) for slot in serving))
        return [answer for answer in answers if answer is not None]
