"""A worker: one process with one loop and one cache, which only answers queries.

The supervisor starts it by exec, with its listening sockets, the shared memory of its counters and
its end of the channel. The sockets belong to the supervisor, so they outlive the worker. A worker
serves nothing until its first snapshot is committed. It ends when the channel closes. It imports
little: no config, no HTTP.

What must stay true:
- A snapshot is loaded whole before the worker acknowledges it, and put in force in one step. So no
  reply mixes two snapshots.
- The worker gives a heartbeat every ``BEAT`` seconds unless its loop hangs. Until it serves, nor
  must the thread hang that loads its first snapshot.
"""

import asyncio
import json
import signal
import socket
import sys
import time
from collections.abc import Mapping
from math import inf
from pathlib import Path
from typing import Final

from resolver import DarbanError
from resolver.engine.cache import AnswerCache
from resolver.engine.cached_response import cached_response
from resolver.engine.decisions import Decision, decisions
from resolver.engine.engine import Engine
from resolver.engine.loaded_snapshot import LoadedSnapshot
from resolver.exchange.servers import Group, Server
from resolver.metrics.counters import Counters
from resolver.metrics.layout import CounterMap
from resolver.policy.building import Pause
from resolver.policy.compiled import CompiledConfig
from resolver.policy.filter_addresses import FilterAddresses
from resolver.policy.settings import Settings
from resolver.policy.upstream_groups import is_forward_group, with_other_servers
from resolver.server.block_records import BlockRecords
from resolver.server.garbage import GarbageCollection
from resolver.server.handler import QueryHandler
from resolver.server.listening import endpoint_of
from resolver.server.observers import Observers
from resolver.server.proxy import Proxies
from resolver.server.recording import Recording
from resolver.server.tcp import TcpServer
from resolver.server.udp import UdpServer
from resolver.server.worker_channel import Channel, WorkerMessage
from resolver.snapshot import store
from resolver.system import log
from resolver.system.interfaces import interface_name
from resolver.transport.handshakes import Handshakes
from resolver.transport.loop import Loop
from resolver.upstream.forwarder import Forwarder
from resolver.upstream.server_address import ServerAddress, arguments_of

BEAT: Final = 0.5
"""Seconds between two heartbeats."""
SWITCH: Final = 0.0001
"""Seconds after which a thread that loads a snapshot gives the interpreter lock to the loop, if its
code allows that."""
_PAUSE: Final = 0.00005
"""Seconds that such a thread sleeps, again and again, so that the loop goes on."""
_STILL: Final = 1.0
"""Seconds without a pause of such a thread, after which the worker gives no more heartbeats. With a
million names and 150,000 exceptions, 0.4 s was the longest, at idle priority on a busy machine."""
_AT_ONCE: Final = 32
"""Expectations that are decided in one iteration of the loop."""
_FINISH: Final = 1.0
"""Seconds at the end of a worker in which queries in flight may still be answered."""


class Worker:
    """Serves the listening sockets, and does what the supervisor's messages say."""

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
        self._garbage = GarbageCollection(loop)
        self._proxies = Proxies()
        self._handshakes = Handshakes(loop)
        self._observers = Observers(BlockRecords(block_log, counters.records_lost))
        self._servers: dict[tuple[str, int, str, str, str, str], Server] = {}
        self._prepared: tuple[LoadedSnapshot, CounterMap, Mapping[str, Group]] | None = None
        self._engine: Engine | None = None
        self._draining = False
        self._forwarder: Forwarder | None = None
        self._paused = inf
        """When the thread that loads a snapshot has last paused; infinite while none is loaded."""

    async def run(self) -> None:
        """Process the messages of the supervisor until the channel closes."""
        self._beat()
        while (message := await self._channel.receive()) is not None:
            match message["type"]:
                case "prepare":
                    await self._prepare(message)
                case "commit":
                    await self._commit()
                case "forget":
                    self._prepared = None
                case "upstreams" if self._engine is not None and self._forwarder is not None:
                    self._counters.follow(CounterMap(**message["counter_map"]))
                    groups = self._groups(message["groups"], self._engine.compiled)
                    self._forwarder.use(groups)
                case "flush":
                    zone = bytes.fromhex(message["zone"])
                    flushed = 0 if self._engine is None else self._engine.flush(zone)
                    self._channel.send({"type": "flushed", "entries": flushed})
                case "cached":
                    self._channel.send(self._cached(bytes.fromhex(message["key"])))
                case "last_query" if self._engine is not None:
                    address = bytes.fromhex(message["address"])
                    self._channel.send(self._last_query(self._engine, address))
                case "unknown_clients":
                    prefixes, missed = self._observers.unknown_clients.all()
                    self._channel.send(
                        {"type": "unknown_clients", "prefixes": list(prefixes), "missed": missed}
                    )
                case "decide":
                    await self._decide()
                case "certificate":
                    self._handshakes.use(message["pem"])
                case "drain":
                    self._drain(message["draining"])
                case "link" if self._forwarder is not None:
                    self._forwarder.note_probe(message["is_abroad_silent"])
                case "record":
                    self._record(message)
        await self._finish()

    async def _finish(self) -> None:
        """Read no more queries, which wait for the next worker; finish those in flight."""
        for listening in self._listening:
            self._loop.remove_fast_reader(listening.fileno())
        end = self._loop.time() + _FINISH
        while self._forwarder is not None and self._forwarder.busy and self._loop.time() < end:
            await asyncio.sleep(0.01)

    async def _prepare(self, message: WorkerMessage) -> None:
        self._paused = self._loop.time()
        try:
            loaded = await self._garbage.load(lambda: _load(Path(message["snapshot"]), self._pause))
        except DarbanError as error:
            self._channel.send({"type": "refused", "reason": str(error)})
            return
        finally:
            self._paused = inf
        counter_map = CounterMap(**message["counter_map"])
        self._prepared = (loaded, counter_map, self._groups(message["groups"], loaded.compiled))
        self._channel.send({"type": "prepared"})

    async def _commit(self) -> None:
        assert self._prepared is not None, "the supervisor prepares before it commits"
        loaded, counter_map, groups = self._prepared
        self._prepared = None
        self._counters.follow(counter_map)
        self._observers.follow(loaded.compiled)
        self._proxies.follow(loaded.compiled)
        if self._engine is None or self._forwarder is None:
            cache = AnswerCache(loaded.compiled.settings.cache_bytes)
            self._engine = Engine(
                loaded, cache, self._counters.cell, self._observers, interface_name
            )
            self._engine.draining = self._draining
            self._engine.advance(time.time(), self._loop.time())
            handler = QueryHandler(self._engine, self._counters)
            self._forwarder = Forwarder(self._loop, self._engine, self._counters, handler.deliver)
            handler.upstreams = self._forwarder
            self._forwarder.use(groups)
            self._serve(handler, loaded.compiled.settings)
        else:
            others = _with_other_answers(self._engine.compiled, loaded.compiled)
            self._engine.replace(loaded)
            self._engine.advance(time.time(), self._loop.time())
            self._forwarder.use(groups)
            self._forwarder.ask_anew({name.encode() for name in others})
        self._channel.send({"type": "committed"})

    def _cached(self, key: bytes) -> WorkerMessage:
        """What the cache has for the question of a key; an empty response for nothing."""
        now = self._loop.time()
        entry = None if self._engine is None else self._engine.cache.look(key, now)
        if entry is None:
            return {"type": "cached", "response": ""}
        left = int(entry.expires - now)
        response = cached_response(key, entry, now).hex()
        return {
            "type": "cached",
            "response": response,
            "age": entry.lifetime - left,
            "left": left,
            "filter": entry.filter_address.hex(),
        }

    def _last_query(self, engine: Engine, address: bytes) -> WorkerMessage:
        """When an address asked last, and since when this worker remembers."""
        now = self._loop.time()
        ahead, memories = time.time() - now, engine.last_queries
        last = ahead + max(memory.at(address) for memory in memories)
        since = ahead + min(now, max(memory.since for memory in memories))
        return {"type": "last_query", "last": last, "since": since}

    async def _decide(self) -> None:
        """Send the decisions on all expectations, and let the loop answer queries meanwhile."""
        made: list[Decision | None] = []
        for decision in decisions(self._engine) if self._engine is not None else ():
            made.append(decision)
            if not len(made) % _AT_ONCE:
                await asyncio.sleep(0)
        self._channel.send({"type": "decided", "decisions": made})

    def _drain(self, draining: bool) -> None:
        self._draining = draining
        if self._engine is not None:
            self._engine.draining = draining

    def _record(self, message: WorkerMessage) -> None:
        """Send counts, and go on counting if the message says so."""
        now = self._loop.time()
        previous = self._observers.recording
        recording = previous
        if recording is None or recording.owner != message["owner"]:
            recording = Recording(message["owner"], now)
        taken = recording.take(message["max_rows"], now)
        counting = message["counting"]
        self._set_recording(recording if counting or taken.more else None, counting)
        self._channel.send(
            {
                "type": "recorded",
                "rows": taken.rows,
                "left_out": taken.left_out,
                "more": taken.more,
                "begun": recording is not previous,
            }
        )

    def _set_recording(self, recording: Recording | None, counting: bool) -> None:
        if self._observers.record(recording, counting) and self._engine is not None:
            self._engine.observe(self._observers)

    def _serve(self, handler: QueryHandler, settings: Settings) -> None:
        self._garbage.start()
        self._loop.on_iteration_end(self._observers.flush)
        for listening in self._listening:
            endpoint, given = endpoint_of(listening), (self._loop, listening, handler)
            proxies = self._proxies if endpoint in settings.proxied else None
            is_redirected = endpoint in settings.redirected
            kind = (self._counters, proxies)
            if listening.type == socket.SOCK_DGRAM:
                UdpServer(*given, *kind, is_redirected=is_redirected).start()
            else:
                handshakes = self._handshakes if endpoint in settings.tls_listen else None
                TcpServer(*given, *kind, handshakes, is_redirected=is_redirected).start()

    def _groups(
        self, groups: Mapping[str, list[ServerAddress]], compiled: CompiledConfig
    ) -> dict[str, Group]:
        of_filter = FilterAddresses(compiled.filter_ranges)
        return {
            name: Group(
                name,
                [self._server(server) for server in servers],
                [self._server(server) for server in servers if server["ad_trusted"]],
                of_filter,
            )
            for name, servers in groups.items()
        }

    def _server(self, of: ServerAddress) -> Server:
        """The server with this address; it is kept over a reload, with its response times."""
        key = arguments_of(of)
        if key not in self._servers:
            self._servers[key] = Server(*key)
        server = self._servers[key]
        server.note_probe(of["wrong"])
        return server

    def _pause(self) -> None:
        self._paused = time.monotonic()
        pause()

    def _beat(self) -> None:
        if self._engine is not None or self._loop.time() < self._paused + _STILL:
            self._counters.beat(self._loop.time())
        if self._engine is not None:
            self._engine.advance(time.time(), self._loop.time())
            self._counters.cache(self._engine.cache)
            self._counters.missing_forwards(self._engine.missing_forwards)
            self._engine.missing_forwards = 0
        if self._forwarder is not None:
            self._forwarder.sweep(self._loop.time())
        recording = self._observers.recording
        if recording is not None and recording.until < self._loop.time():
            self._set_recording(None, counting=False)
        self._loop.call_later(BEAT, self._beat)


def pause() -> None:
    """Let the loop have the processor, in a thread that loads a snapshot."""
    time.sleep(_PAUSE)


def _load(snapshot: Path, pause: Pause) -> LoadedSnapshot:
    """Load a snapshot and build its tables; called in a thread beside the loop."""
    return LoadedSnapshot(*store.load(snapshot, pause), time.time(), pause)


def _with_other_answers(before: CompiledConfig, now: CompiledConfig) -> frozenset[str]:
    """The groups whose answers in the cache may be others now.

    With other addresses of the national filter, what was kept may lack its mark, or have it.
    """
    others = with_other_servers(before.groups, now.groups)
    had, has = ({(r.network, r.length) for r in of.filter_ranges} for of in (before, now))
    if had != has:
        others |= {group.name for group in now.groups if not is_forward_group(group.name)}
    return others


async def _run(loop: Loop, channel: int, memory: int, listening: list[int], block_log: int) -> None:
    end = socket.socket(fileno=channel)
    sockets = [socket.socket(fileno=number) for number in listening]
    await Worker(loop, await Channel.over(end), Counters(memory), sockets, block_log).run()


def main() -> None:
    """Run a worker; the argument on the command line is a JSON object."""
    given = json.loads(sys.argv[1])
    log.start(f"worker {given['number']}")
    sys.setswitchinterval(SWITCH)
    # Ctrl-C and systemctl kill signal all processes of the server, but mean the supervisor.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    loop = Loop()
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        work = [given[key] for key in ("channel", "memory", "listening", "block_log")]
        runner.run(_run(loop, *work))


if __name__ == "__main__":
    main()
