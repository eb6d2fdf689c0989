# ruff: noqa: ANN401 - what a tree hands out and wants is of its own kind
"""The adapter for the working tree: what the engine offers, as the player calls it.

When the engine's interface changes, this file changes and no other.
"""

from typing import Any

from resolver.compiler.policy import compile_snapshot
from resolver.config.load import load
from resolver.engine.cache import AnswerCache
from resolver.engine.engine import Engine
from resolver.engine.loaded_snapshot import LoadedSnapshot
from resolver.engine.result import Drop, PendingReply, Reply
from resolver.exchange.attempt import Attempt
from resolver.exchange.entry import CacheEntry
from resolver.exchange.exchange import Exchange
from resolver.exchange.failure import Failure, no_answer
from resolver.exchange.question import UpstreamQuestion
from resolver.exchange.servers import Group, Server
from resolver.lists.adblock import AdblockReader
from resolver.policy.index import Index
from resolver.policy.prefixes import address_text, packed
from resolver.policy.verdict import Outcome
from tests.programs.replay.adapter import CACHE, Observing, OneFile
from tests.programs.replay.note import Answered, Silent, Waits


class Key:
    """A question, equal to the same question."""

    def __init__(self, question: UpstreamQuestion) -> None:
        self.question = question

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Key) and self.question.key == other.question.key

    def __hash__(self) -> int:
        return hash(self.question.key)


class KeyedExchange:
    """An exchange that knows its key."""

    def __init__(self, key: Key, group: Group, now: float) -> None:
        self.key = key
        self._exchange = Exchange(key.question, group, now)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._exchange, name)


class Tree(Observing):
    """An engine without sockets."""

    attempt = Attempt

    def __init__(self) -> None:
        super().__init__()
        self._servers: dict[tuple[str, int], Server] = {}
        self._engine: Engine | None = None

    def reload(self, config: str, wall: float) -> None:
        """Put a config in force."""
        self._servers.clear()  # so that a difference in the choice of one does not last
        files = OneFile(config)
        loaded = load("config.toml", files)
        lists = [AdblockReader.read(*each) for each in files.lists]
        snapshot, problems = compile_snapshot(loaded, lists)
        self.use(snapshot, loaded.problems + problems)
        ready = LoadedSnapshot(snapshot.terms, Index(snapshot.trie, snapshot.rules), wall)
        if self._engine is None:
            self._cache = AnswerCache(CACHE)
            self._engine = Engine(ready, self._cache, observer=self)
        else:
            self._engine.replace(ready)

    def advance(self, wall: float, now: float) -> None:
        self._engine.advance(wall, now)

    def flush(self, zone: bytes) -> int:
        return self._engine.flush(zone)

    def answer(
        self, packet: bytes, address: str, stream: bool, now: float
    ) -> Answered | Silent | Waits:
        client = self._engine.clients.of(packed(address), stream)
        return self._noted(self._engine.answer(client, packet, now))

    def exchange(self, key: Key, now: float) -> KeyedExchange:
        name = key.question.group.decode()
        servers = [g.servers for g in self.terms.groups if g.name == name]
        found = [self._server(each.host, each.port) for each in (servers[0] if servers else ())]
        return KeyedExchange(key, Group(name, found), now)

    def _server(self, host: str, port: int) -> Server:
        return self._servers.setdefault((host, port), Server(host, port, host))

    def remember(self, key: Key, result: object, now: float) -> object:
        if isinstance(result, CacheEntry | Failure):
            self._cache.remember(key.question.key, result, now)
        return result

    def conclude(self, token: Any, result: Any, now: float) -> Answered | Silent | Waits:
        return self._noted(self._engine.conclude(token, result, now))

    def give_up(self, token: Any) -> Answered | Silent | Waits:
        return self._noted(self._engine.give_up(token, no_answer(0)))

    def totals(self) -> list[tuple[str, int]]:
        cache = self._cache
        return [("hits", cache.hits), ("misses", cache.misses), ("entries", len(cache))]

    def _noted(self, result: Any) -> Answered | Silent | Waits:
        match result:
            case PendingReply():
                chained = result.chain is not None
                key = Key(result.question)
                return Waits(key, result, result.received if chained else None)
            case Drop():
                return Silent(self.labels(result.counter.labels))
        assert isinstance(result, Reply)
        refresh = None if result.refresh is None else Key(result.refresh)
        return Answered(result.packet, self.labels(result.counter.labels), refresh)

    @property
    def wants_verdicts(self) -> bool:
        return bool(self.wants_blocks)

    def asked(self, client: Any, query: Any) -> None:
        vlan = self.terms.vlans[client.view.vlan].name
        self.heard.append(("asked", vlan, query.name, query.shape.qtype))

    def decided(self, client: Any, query: Any, verdict: Any) -> None:
        if verdict.outcome in (Outcome.BLOCKED, Outcome.WOULD_BLOCK):
            self.blocked(address_text(client.address), client.view, _Named(query), verdict)

    def refused(self, address: Any) -> None:
        super().refused(address_text(address))


class _Named:
    """A query's name and type, as the block log is told of them."""

    def __init__(self, query: Any) -> None:
        self.name, self.qtype = query.name, query.shape.qtype
