"""A worker that serves, in the process of the test."""

import asyncio
import os
import socket
from collections.abc import Sequence
from pathlib import Path

from dnslib import DNSRecord

from resolver.metrics.counters import Counters
from resolver.metrics.layout import MEMORY, CounterLayout
from resolver.server.worker import Worker
from resolver.server.worker_channel import Channel, WorkerMessage
from resolver.snapshot import store
from resolver.transport.loop import Loop
from resolver.upstream.server_address import ServerAddress
from tests.server.assembled import snapshot


class Served:
    """A worker that serves one UDP socket, and the supervisor's end of its channel."""

    def __init__(self, loop: Loop, state: Path, servers: Sequence[ServerAddress] = ()) -> None:
        """``servers`` are those of the one upstream group."""
        self._loop = loop
        self._servers = servers
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
        counter_map = CounterLayout().counter_map(
            self._made.compiled, [server["name"] for server in self._servers]
        )
        await self.say(
            {
                "type": "prepare",
                "snapshot": str(self._saved),
                "counter_map": counter_map._asdict(),
                "groups": {"": list(self._servers)},
            }
        )
        await self.say({"type": "commit"})

    async def say(self, message: WorkerMessage) -> WorkerMessage:
        self._channel.send(message)
        told = await self._channel.receive()
        assert told is not None
        return told

    async def ask(self, name: str) -> DNSRecord:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            asking.setblocking(False)
            asking.connect(self._listening.getsockname())
            query = DNSRecord.question(name)
            query.header.ad = 1
            asking.send(query.pack())
            reply = DNSRecord.parse(await self._loop.sock_recv(asking, 4096))
        assert reply.header.qr
        return reply

    async def record(self, owner: str) -> WorkerMessage:
        """Count for an owner from now on, and take what was counted."""
        return await self.say({"type": "record", "owner": owner, "counting": True, "max_rows": 100})

    async def stop(self) -> None:
        self._channel.close()
        await self._worker
        self._of_worker.close()  # as the end of its process does
        await asyncio.sleep(0.1)
        self._listening.close()
