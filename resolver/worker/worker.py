"""A worker: one process, one loop, one cache; answers queries and nothing else.

Started by exec with the sockets it is to serve (they belong to the supervisor and outlive
it), the memory it counts in, and its end of the channel. It serves nothing until a snapshot
has been committed, and ends when the channel closes. It imports little: no config, no HTTP.

What must stay true:
- A snapshot is loaded whole before it is acknowledged, and put in force in one step, so no
  reply mixes two.
- ``BEAT`` seconds without a sign of life mean that the loop stands still, nothing else.
"""

import asyncio
import gc
import json
import signal
import socket
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from resolver.engine.cache import AnswerCache
from resolver.engine.engine import Engine
from resolver.engine.loaded_snapshot import LoadedSnapshot
from resolver.engine.servers import Group, Server
from resolver.errors import DarbanError
from resolver.metrics import log
from resolver.metrics.counters import Counters
from resolver.metrics.layout import CounterPlan, plan_from_json
from resolver.server.handler import QueryHandler
from resolver.server.loop import Loop
from resolver.server.tcp import TcpServer
from resolver.server.udp import UdpServer
from resolver.snapshot import store
from resolver.upstream.forwarder import Forwarder
from resolver.upstream.server_address import ServerAddress
from resolver.worker.block_records import BlockRecords
from resolver.worker.channel import Channel, Message
from resolver.worker.observers import Observers
from resolver.worker.recording import Recording

BEAT = 0.5
_TIDY = 0.1
"""Seconds between two looks for cycles; at 0.5, one held a worker busy with misses for 3.5 ms."""
_TURN = 0.0001
"""Seconds after which a thread that loads a snapshot lets the loop go on, if it can just then."""
_LAST = 1.0
"""Seconds that upstreams have to answer what they were asked before the end."""


class Worker:
    """What a worker holds, and what it does when the supervisor speaks."""

    def __init__(
        self,
        loop: Loop,
        channel: Channel,
        counters: Counters,
        listening: list[socket.socket],
        block_log: int,
    ) -> None:
        self._loop = loop
        self._channel = channel
        self._counters = counters
        self._listening = listening
        self._watch = Observers(BlockRecords(block_log, counters.records_lost))
        self._servers: dict[tuple[str, str, int], Server] = {}
        self._prepared: tuple[LoadedSnapshot, CounterPlan, Mapping[str, Group]] | None = None
        self._engine: Engine | None = None
        self._forwarder: Forwarder | None = None

    async def run(self) -> None:
        """Do what the supervisor says until it has gone."""
        self._beat()
        while (message := await self._channel.receive()) is not None:
            match message["say"]:
                case "prepare":
                    await self._prepare(message)
                case "commit":
                    await self._commit()
                case "forget":
                    self._prepared = None
                case "upstreams" if self._forwarder is not None:
                    self._forwarder.use(self._groups(message["groups"]))
                case "flush":
                    zone = bytes.fromhex(message["zone"])
                    flushed = 0 if self._engine is None else self._engine.flush(zone)
                    self._channel.send({"say": "flushed", "entries": flushed})
                case "strangers":
                    refused, missed = self._watch.strangers.all()
                    self._channel.send(
                        {"say": "strangers", "strangers": list(refused), "missed": missed}
                    )
                case "record":
                    self._record(message)
        await self._finish()

    async def _finish(self) -> None:
        """Take nothing new, which waits for the successor; see what is under way to its end."""
        for listening in self._listening:
            if listening.type == socket.SOCK_DGRAM:
                self._loop.remove_fast_reader(listening.fileno())
            else:
                self._loop.remove_reader(listening.fileno())
        end = self._loop.time() + _LAST
        while self._forwarder is not None and self._forwarder.busy and self._loop.time() < end:
            await asyncio.sleep(0.01)

    async def _prepare(self, message: Message) -> None:
        try:
            regime = await asyncio.to_thread(_load, Path(message["snapshot"]))
        except DarbanError as error:
            self._channel.send({"say": "refused", "reason": str(error)})
            return
        plan = plan_from_json(message["plan"])
        self._prepared = (regime, plan, self._groups(message["groups"]))
        self._channel.send({"say": "prepared"})

    async def _commit(self) -> None:
        assert self._prepared is not None, "the supervisor prepares before it commits"
        regime, plan, groups = self._prepared
        self._prepared = None
        self._counters.follow(plan)
        self._watch.follow(regime.terms)
        if self._engine is None or self._forwarder is None:
            cache = AnswerCache(regime.terms.settings.cache_bytes)
            self._engine = Engine(regime, cache, self._counters.cell, observer=self._watch)
            self._engine.advance(time.time(), self._loop.time())
            handler = QueryHandler(self._engine, self._counters)
            self._forwarder = Forwarder(self._loop, self._engine, self._counters, handler.deliver)
            handler.upstreams = self._forwarder
            self._forwarder.use(groups)
            await self._serve(handler)
        else:
            self._engine.replace(regime)
            self._engine.advance(time.time(), self._loop.time())
            self._forwarder.use(groups)
        self._channel.send({"say": "committed"})

    def _record(self, message: Message) -> None:
        """Hand over what was counted, and count on if that is wanted."""
        now = self._loop.time()
        known = self._watch.recording
        recording = known
        if recording is None or recording.owner != message["owner"]:
            recording = Recording(message["owner"], now)
        taken = recording.take(message["most"], now)
        counting = message["counting"]
        self._keep(recording if counting or taken.more else None, counting)
        self._channel.send(
            {
                "say": "recorded",
                "rows": taken.rows,
                "left_out": taken.left_out,
                "more": taken.more,
                "begun": recording is not known,
            }
        )

    def _keep(self, recording: Recording | None, counting: bool) -> None:
        if self._watch.record(recording, counting) and self._engine is not None:
            self._engine.observe(self._watch)

    async def _serve(self, handler: QueryHandler) -> None:
        # What start-up has made stays, and so does most of what follows: the cache. To look
        # for cycles among it again and again took a third of a miss; ``_tidy`` looks at the
        # youngest only. Reference counting frees the rest.
        gc.collect()
        gc.freeze()
        gc.disable()
        self._tidy()
        self._loop.on_iteration_end(self._watch.flush)
        for listening in self._listening:
            if listening.type == socket.SOCK_DGRAM:
                UdpServer(self._loop, listening, handler, self._counters).start()
            else:
                await TcpServer(self._loop, listening, handler, self._counters).start()

    def _groups(self, groups: Mapping[str, list[ServerAddress]]) -> dict[str, Group]:
        return {
            name: Group(name, [self._server(each) for each in servers])
            for name, servers in groups.items()
        }

    def _server(self, known: ServerAddress) -> Server:
        """The server itself, so that what was learned of it survives a reload."""
        key = (known["name"], known["address"], known["port"])
        if key not in self._servers:
            self._servers[key] = Server(known["address"], known["port"], known["name"])
        return self._servers[key]

    def _beat(self) -> None:
        self._counters.beat(self._loop.time())
        if self._engine is not None:
            self._engine.advance(time.time(), self._loop.time())
            self._counters.cache(self._engine.cache)
        if self._forwarder is not None:
            self._forwarder.sweep(self._loop.time())
        recording = self._watch.recording
        if recording is not None and recording.until < self._loop.time():
            self._keep(None, counting=False)
        self._loop.call_later(BEAT, self._beat)

    def _tidy(self) -> None:
        gc.collect(0)
        self._loop.call_later(_TIDY, self._tidy)


def _load(snapshot: Path) -> LoadedSnapshot:
    """A snapshot, ready to be put in force; beside the loop, which goes on answering."""
    return LoadedSnapshot(*store.load(snapshot), time.time())


async def _run(loop: Loop, channel: int, memory: int, listening: list[int], block_log: int) -> None:
    end = socket.socket(fileno=channel)
    sockets = [socket.socket(fileno=number) for number in listening]
    await Worker(loop, await Channel.over(end), Counters(memory), sockets, block_log).run()


def main() -> None:
    """Run the worker that the command line describes."""
    given = json.loads(sys.argv[1])
    log.start(f"worker {given['number']}")
    sys.setswitchinterval(_TURN)
    # Ctrl-C and systemd reach the whole group; it is the supervisor that ends workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    loop = Loop()
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        work = [given[each] for each in ("channel", "memory", "listening", "block_log")]
        runner.run(_run(loop, *work))
