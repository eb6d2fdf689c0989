"""A recording that nobody asks for any more ends by itself, as when its command was killed."""

import asyncio
from pathlib import Path

from resolver.server.recording import LEASE
from resolver.server.worker_channel import WorkerMessage
from resolver.transport.loop import Loop
from tests.server.served import Served
from tests.upstream.virtual_time import run


def names(message: WorkerMessage) -> list[str]:
    return [bytes.fromhex(name).decode() for _, name, _, _ in message["rows"]]


def test_a_recording_ends_with_its_lease(tmp_path: Path) -> None:
    async def play(loop: Loop) -> None:
        served = Served(loop, tmp_path)
        await served.start()
        assert (await served.record("me"))["begun"]
        await served.ask("denied.example.")
        await asyncio.sleep(LEASE - 1)
        told = await served.record("me")
        assert not told["begun"]
        assert names(told) == ["\x06denied\x07example\x00"]

        await served.ask("denied.example.")
        await asyncio.sleep(LEASE + 1)
        await served.ask("denied.example.")
        told = await served.record("me")
        assert told["begun"]
        assert names(told) == []
        await served.stop()

    run(play)
