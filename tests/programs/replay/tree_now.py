# ruff: noqa: ANN401 - what a tree hands out and wants is of its own kind
"""The adapter for the working tree: what the engine offers, as the player calls it.

When the engine's interface changes, this file changes and no other.
"""

from typing import Any

from resolver.config.load import load
from resolver.engine.cache import Cache, Key
from resolver.engine.engine import Resolver
from resolver.engine.entry import Entry
from resolver.engine.exchange import Attempt, Exchange
from resolver.engine.loaded_snapshot import Regime
from resolver.engine.servers import Group, Server
from resolver.engine.transaction import Drop, Forward, Reply, Source
from resolver.lists.adblock import AdblockReader
from resolver.policy.index import Index
from resolver.snapshot.policy import compile_snapshot
from tests.programs.replay.adapter import CACHE, Observing, OneFile
from tests.programs.replay.note import Answered, Silent, Waits


class Tree(Observing):
    """A resolver without sockets."""

    attempt = Attempt

    def __init__(self) -> None:
        super().__init__()
        self._servers: dict[tuple[str, int], Server] = {}
        self._resolver: Resolver | None = None

    def reload(self, config: str, wall: float) -> None:
        """Put a config in force."""
        files = OneFile(config)
        loaded = load("config.toml", files)
        lists = [AdblockReader.read(*each) for each in files.lists]
        snapshot, problems = compile_snapshot(loaded.config, loaded.provenance, lists)
        self.use(snapshot, loaded.problems + problems)
        regime = Regime(snapshot.terms, Index(snapshot.trie, snapshot.rules), wall)
        if self._resolver is None:
            self._cache = Cache(CACHE)
            self._resolver = Resolver(regime, self._cache, witness=self)
        else:
            self._resolver.replace(regime)

    def advance(self, wall: float, now: float) -> None:
        self._resolver.advance(wall, now)

    def flush(self, zone: bytes) -> int:
        return self._resolver.flush(zone)

    def answer(
        self, packet: bytes, address: str, stream: bool, now: float
    ) -> Answered | Silent | Waits:
        return self._told(self._resolver.answer(packet, Source(address, stream), now))

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
