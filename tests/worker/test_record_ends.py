"""A recording that nobody asks for any more ends by itself, as when its command was killed."""

import asyncio
import gc
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from dnslib import DNSRecord

from resolver.metrics.counters import Counters
from resolver.metrics.layout import MEMORY, CounterLayout
from resolver.server.loop import Loop
from resolver.snapshot import store
from resolver.worker.channel import Channel, WorkerMessage
from resolver.worker.recording import LEASE
from resolver.worker.worker import Worker
from tests.server.assembled import snapshot
from tests.upstream.virtual_time import run


@pytest.fixture(autouse=True)
def _collecting_again() -> Iterator[None]:
    """A worker freezes what there is, and has the collector look at the youngest only."""
    yield
    gc.enable()


class Served:
    """A worker that serves one UDP socket, and the supervisor's end of its channel."""

    def __init__(self, loop: Loop, state: Path) -> None:
        self._loop = loop
        self._made = snapshot()
        self._saved = store.save(state, self._made)
        self._ends = socket.socketpair()
        self._memory = os.memfd_create("counters")
        os.ftruncate(self._memory, MEMORY)
        self._listening = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._listening.bind(("127.0.0.1", 0))
        self._listening.setblocking(False)

    async def start(self) -> None:
        here, there = self._ends
        self._channel = await Channel.over(here)
        self._of_worker = await Channel.over(there)
        counters = Counters(self._memory)
        os.close(self._memory)
        worker = Worker(self._loop, self._of_worker, counters, [self._listening], -1)
        self._worker = self._loop.create_task(worker.run())
        plan = CounterLayout().plan(self._made.compiled, [])._asdict()
        await self.say(
            {"type": "prepare", "snapshot": str(self._saved), "plan": plan, "groups": {}}
        )
        await self.say({"type": "commit"})

    async def say(self, message: WorkerMessage) -> WorkerMessage:
        self._channel.send(message)
        told = await self._channel.receive()
        assert told is not None
        return told

    async def ask(self, name: str) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            asking.setblocking(False)
            asking.connect(self._listening.getsockname())
            asking.send(DNSRecord.question(name).pack())
            assert DNSRecord.parse(await self._loop.sock_recv(asking, 4096)).header.qr

    async def record(self, owner: str) -> WorkerMessage:
        """Count for an owner from now on, and take what was counted."""
        return await self.say({"type": "record", "owner": owner, "counting": True, "max_rows": 100})

    async def stop(self) -> None:
        self._channel.close()
        await self._worker
        self._of_worker.close()  # as the end of its process does
        await asyncio.sleep(0.1)
        self._listening.close()


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
