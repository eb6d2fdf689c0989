"""What the answers of several workers say together about the last query of an address."""

import asyncio
import time
from datetime import UTC, datetime
from math import inf
from typing import cast

import pytest

from resolver.metrics.part import Answer
from resolver.server.worker_channel import WorkerMessage
from resolver.supervisor.rollout import Rollout
from resolver.supervisor.worker_commands import WorkerCommands
from resolver.supervisor.worker_pool import WorkerPool

NINE = 1_800_003_600
"""A whole minute."""


class _Pool:
    """Two workers, of which some answer."""

    slots = (1, 2)

    def __init__(self, *replies: WorkerMessage) -> None:
        self._replies = replies
        self.asked: list[WorkerMessage] = []

    async def request(self, message: WorkerMessage, _: str) -> list[WorkerMessage]:
        self.asked.append(message)
        return list(self._replies)


def reply(last: float | None, since: float) -> WorkerMessage:
    return {"type": "last_query", "last": -inf if last is None else last, "since": since}


def utc(wall: int) -> str:
    return f"{datetime.fromtimestamp(wall, UTC):%Y-%m-%dT%H:%M+00:00}"


def answer(pool: _Pool, address: str = "10.10.0.5") -> Answer:
    commands = WorkerCommands(cast("WorkerPool", pool), cast("Rollout", None))
    return asyncio.run(commands.last_query({"address": address}))


def test_the_latest_query_counts_and_the_latest_beginning() -> None:
    pool = _Pool(reply(NINE + 95.5, NINE + 1.5), reply(NINE + 30.0, NINE + 61.5))
    assert answer(pool) == {"last": utc(NINE + 60), "since": utc(NINE + 60)}
    assert pool.asked == [{"type": "last_query", "address": "0a0a0005"}]


def test_an_address_that_has_asked_one_worker_has_asked() -> None:
    assert answer(_Pool(reply(None, NINE), reply(NINE + 5.0, NINE)))["last"] == utc(NINE)
    assert answer(_Pool(reply(None, NINE), reply(None, NINE))) == {"last": None, "since": utc(NINE)}


@pytest.mark.parametrize("replies", [(), (reply(None, 60.0),)])
def test_what_a_worker_knew_that_does_not_answer_is_forgotten(
    replies: tuple[WorkerMessage, ...],
) -> None:
    before = utc(int(time.time()))
    assert answer(_Pool(*replies))["since"] >= before


def test_a_link_local_address_needs_an_interface_of_this_host() -> None:
    pool = _Pool(reply(None, NINE), reply(None, NINE))
    assert "interface" in answer(pool, "fe80::5")["error"]
    assert "error" in answer(pool, "fe80::5%none-such")
    assert "error" in answer(pool, "administration")
    assert answer(pool, "fe80::5%lo") == {"last": None, "since": utc(NINE)}
    assert pool.asked[0]["address"] == "fe800000000000000000000000000005" + "01000000"
