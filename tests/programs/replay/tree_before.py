# ruff: noqa: ANN401, ARG002 - what a tree hands out and wants is of its own kind
"""The adapter for commit fd2609f, the code before the redesign.

A packet over UDP goes through that commit's own UDP edge, which decides by itself what is
limited, prepared or answered the short way; a datagram in memory stands for the socket's.
"""

import socket
from types import SimpleNamespace
from typing import Any

from resolver.answers.cache import Cache, Key
from resolver.answers.entry import Entry
from resolver.forwarding.exchange import Attempt, Exchange
from resolver.forwarding.servers import Group, Server
from resolver.lists.index import Index
from resolver.policy.compile import compile_snapshot
from resolver.query import Resolver
from resolver.regime import Regime
from resolver.transaction import Drop, Forward, Reply, Source

from resolver.config.load import load
from resolver.lists import adblock
from resolver.server import udp
from tests.programs.replay.adapter import CACHE, Observing, OneFile
from tests.programs.replay.note import Answered, Silent, Waits

_SIZE = 65536


class Tree(Observing):
    """A resolver without sockets."""

    attempt = Attempt

    def __init__(self) -> None:
        super().__init__()
        self._servers: dict[tuple[str, int], Server] = {}
        self._resolver: Resolver | None = None
        self._cells: dict[Any, int] = {}
        self._tallies: list[Any] = []
        self._edges: dict[bool, _Edge] = {}

    def reload(self, config: str, wall: float) -> None:
        self._servers.clear()  # so that a difference in the choice of one does not last
        files = OneFile(config)
        loaded = load("config.toml", files)
        lists = [adblock.read(*each) for each in files.lists]
        snapshot, problems = compile_snapshot(loaded.config, loaded.places, lists)
        self.use(snapshot, loaded.problems + problems)
        regime = Regime(snapshot.terms, Index(snapshot.trie, snapshot.rules), wall)
        if self._resolver is None:
            self._cache = Cache(CACHE)
            self._resolver = Resolver(regime, self._cache, self._count, witness=self)
            self._edges = {
                ipv6: _Edge(family, self._resolver)
                for ipv6, family in ((False, socket.AF_INET), (True, socket.AF_INET6))
            }
        else:
            self._resolver.replace(regime)

    def _count(self, tally: Any) -> int:
        cell = self._cells.setdefault(tally, len(self._tallies))
        if cell == len(self._tallies):
            self._tallies.append(tally)
        return cell

    def advance(self, wall: float, now: float) -> None:
        self._resolver.advance(wall, now)

    def flush(self, zone: bytes) -> int:
        return self._resolver.flush(zone)

    def answer(
        self, packet: bytes, address: str, stream: bool, now: float
    ) -> Answered | Silent | Waits:
        if stream:
            return self._told(self._resolver.answer(packet, Source(address, True), now))
        edge = self._edges[":" in address]
        result = edge.take(packet, address, now)
        return (
            self._told(result)
            if edge.cell < 0
            else Answered(edge.reply, self.labels(self._tallies[edge.cell]))
        )

    def exchange(self, key: Key, now: float) -> Exchange:
        servers = [g.servers for g in self.terms.groups if g.name == key.group]
        found = [self._server(each.host, each.port) for each in (servers[0] if servers else ())]
        return Exchange(key, Group(key.group, found), now)

    def _server(self, host: str, port: int) -> Server:
        return self._servers.setdefault((host, port), Server(host, port, host))

    def remember(self, key: Key, result: object, now: float) -> object:
        if isinstance(result, Entry):
            return self._resolver.remember(key, result, now)
        return result

    def conclude(self, token: Any, result: Any, now: float) -> Answered | Silent | Waits:
        return self._told(self._resolver.conclude(token, result, now))

    def give_up(self, token: Any) -> Answered | Silent | Waits:
        return self._told(self._resolver.give_up(token))

    def totals(self) -> list[tuple[str, int]]:
        cache = self._cache
        return [("hits", cache.hits), ("misses", cache.misses), ("entries", len(cache))]

    def _told(self, result: Any) -> Answered | Silent | Waits:
        match result:
            case Forward():
                chained = result.chain is not None
                return Waits(result.key, result, result.began if chained else None)
            case Reply():
                return Answered(result.packet, self.labels(result.tally), result.refresh)
            case Drop():
                return Silent(self.labels(result.tally))
        octets, counted = result
        return Answered(octets, self.labels(counted.tally))


class _Edge(udp.UdpServer):
    """That commit's UDP edge, and a batch of one datagram instead of its socket's."""

    def __init__(self, family: socket.AddressFamily, resolver: Resolver) -> None:
        self._socket = SimpleNamespace(family=family)
        self._resolver = resolver
        self._batch = self._counters = self._desk = self
        # The counters' part: a cell that goes up is noted.
        self.cells = self
        # The batch's part.
        size = 16 if family == socket.AF_INET6 else 4
        self.slots = [(0, 0, slice(0, size))]
        self.octets = self.names = b""
        self.writable = bytearray(_SIZE)
        self.lengths, self.reply_lengths = [0], [0]

    def take(self, packet: bytes, address: str, now: float) -> Any:
        """What the desk was given, or None: then ``reply`` was sent and ``cell`` went up."""
        self.octets, self.lengths[0] = packet, len(packet)
        self.writable[: len(packet)] = packet
        self.names = socket.inet_pton(self._socket.family, address)
        self._result: Any = None
        self.reply, self.cell = b"", -1
        udp.time = SimpleNamespace(monotonic=lambda: now)
        self._readable()
        return self._result

    def __getitem__(self, cell: int) -> int:
        return 0

    def __setitem__(self, cell: int, value: int) -> None:
        self.cell = cell

    def took(self, *_: object) -> None:
        """How long it took is no matter here."""

    def receive(self) -> int:
        return 1

    def name(self, slot: int) -> bytes:
        return self.names

    def send(self, count: int, silent: Any) -> None:
        if not silent:
            self.reply = bytes(self.writable[: self.reply_lengths[0]])

    def follow(self, result: Any, *_: object) -> None:
        self._result = result
