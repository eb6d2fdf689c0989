"""A clock that jumps by a day, on the pure core.

The machine's own clock belongs to others as well and is not set; the core is given both
its clocks as the worker gives them: the monotonic one, and the wall clock in seconds since
1970, which only exemptions go by.
"""

from resolver.dns import response
from resolver.engine.cache import Cache
from resolver.engine.engine import Resolver
from resolver.engine.entry import entry
from resolver.engine.loaded_snapshot import Regime
from resolver.engine.transaction import Forward, Reply, Source
from resolver.policy.index import Index
from tests.programs.attacks import wire
from tests.programs.attacks.attack import Attack, Seen
from tests.snapshot.texts import compile_texts

_CONFIG = """
[policies.publicity]
[vlans.publicity]
prefixes = ["127.0.20.0/24"]
policy = "publicity"
"""
_DAY = 86400.0
_SOURCE = Source("127.0.20.5", False)
_ASKED = wire.question("www.example")


def _resolver(wall: float) -> Resolver:
    snapshot = compile_texts(_CONFIG)
    index = Index(snapshot.trie, snapshot.rules)
    return Resolver(Regime(snapshot.terms, index, wall), Cache(1 << 20))


def _ttl(resolver: Resolver, now: float) -> int | None:
    """The TTL that a client is told now; None where the upstream would be asked."""
    result = resolver.answer(_ASKED, _SOURCE, now)
    return wire.read(result.packet).answer[0].ttl if isinstance(result, Reply) else None


def steps() -> Seen:
    """An entry of 300 s while the wall clock jumps a day ahead and two days back."""
    wall, now = 1_800_000_000.0, 5000.0
    resolver = _resolver(wall)
    forward = resolver.answer(_ASKED, _SOURCE, now)
    assert isinstance(forward, Forward)
    packet = wire.reply(_ASKED, [wire.address(wire.AT_QUESTION, "192.0.2.1", 300)])
    scanned = response.scan(packet)
    assert scanned is not None
    resolver.cache.put(forward.key, entry(scanned, now))
    told = []
    for second, jump in ((0, 0.0), (10, _DAY), (20, -_DAY), (200, 10 * _DAY), (299, -_DAY)):
        resolver.advance(wall + second + jump, now + second)
        told.append(_ttl(resolver, now + second))
    resolver.advance(wall - _DAY, now + 301)
    told.append(_ttl(resolver, now + 301))
    return Seen(told == [300, 290, 280, 100, 1, None], f"TTLs {told}")


ATTACKS = (Attack("clock", "TTLs [300, 290, 280, 100, 1, None]", steps),)
