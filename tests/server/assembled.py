"""The parts of a worker that answer, put together as the worker does; one policy for two VLANs."""

import os
from collections.abc import Mapping

from resolver.engine.cache import AnswerCache
from resolver.engine.engine import Engine
from resolver.engine.loaded_snapshot import LoadedSnapshot
from resolver.engine.observer import Observer
from resolver.exchange.servers import Group, Server
from resolver.metrics.counters import Counters
from resolver.metrics.layout import MEMORY, CounterLayout
from resolver.policy.filter_addresses import FilterAddresses
from resolver.policy.index import Index
from resolver.server.handler import QueryHandler
from resolver.snapshot.snapshot import Snapshot
from resolver.transport.loop import Loop
from resolver.upstream.forwarder import Forwarder
from tests.compiler.texts import compile_texts
from tests.live.configs import ROOT

CONFIG = """
[server]
redirected = ["127.0.0.1:5353"]
[policies.open]
deny = ["denied.example"]
[vlans.here]
prefixes = ["127.0.0.0/8", "::1/128"]
policy = "open"
[vlans.there]
prefixes = ["127.0.9.0/24"]
policy = "open"
"""
FILTER = (ROOT / "blocklists" / "national.filter").read_text(encoding="utf-8")


def snapshot() -> Snapshot:
    """The snapshot of the config."""
    return compile_texts(CONFIG, {"national.filter": FILTER})


def server_at(where: tuple[str, int], name: str = "upstream") -> Server:
    """The upstream server with the address of a socket."""
    address, port = where
    return Server(address, port, name)


class Assembled:
    """Engine, forwarder and handler on one loop."""

    def __init__(
        self,
        loop: Loop,
        servers: Mapping[str, Server] | None = None,
        observer: Observer | None = None,
    ) -> None:
        """``servers`` are those of the one upstream group, by the names of their metrics."""
        made = snapshot()
        memory = os.memfd_create("counters")
        os.ftruncate(memory, MEMORY)
        self.counters = Counters(memory)
        os.close(memory)
        self.layout = CounterLayout()
        self.counters.follow(self.layout.counter_map(made.compiled, list(servers or ())))
        self.snapshot = LoadedSnapshot(made.compiled, Index(made.trie, made.rules), 0.0)
        self.cache = AnswerCache(1 << 20)
        self.engine = Engine(self.snapshot, self.cache, self.counters.cell, observer)
        self.engine.advance(0.0, loop.time())
        self.handler = QueryHandler(self.engine, self.counters)
        self.forwarder = Forwarder(loop, self.engine, self.counters, self.handler.deliver)
        self.handler.upstreams = self.forwarder
        of_filter = FilterAddresses(made.compiled.filter_ranges)
        self.forwarder.use({"": Group("", list((servers or {}).values()), (), of_filter)})
