"""A clock that jumps by a day, on the pure core.

The machine's own clock belongs to others as well and is not set; the core is given both
its clocks as the worker gives them: the monotonic one, and the wall clock in seconds since
1970, which only exemptions go by.
"""

from resolver.dns import response
from resolver.engine.cache import AnswerCache
from resolver.engine.engine import Engine
from resolver.engine.loaded_snapshot import LoadedSnapshot
from resolver.engine.result import PendingReply, Reply
from resolver.exchange.entry import make_entry
from resolver.policy.index import Index
from resolver.policy.prefixes import packed
from tests.compiler.texts import compile_texts
from tests.programs.attacks import wire
from tests.programs.attacks.attack import Attack, Seen

_CONFIG = """
[policies.publicity]
[vlans.publicity]
prefixes = ["127.0.20.0/24"]
policy = "publicity"
"""
_DAY = 86400.0
_ADDRESS = packed("127.0.20.5")
_ASKED = wire.question("www.example")


def _engine(wall: float) -> Engine:
    snapshot = compile_texts(_CONFIG)
    index = Index(snapshot.trie, snapshot.rules)
    return Engine(LoadedSnapshot(snapshot.terms, index, wall), AnswerCache(1 << 20))


def _ask(engine: Engine, now: float) -> Reply | PendingReply:
    result = engine.answer(engine.clients.of(_ADDRESS, False), _ASKED, now)
    assert isinstance(result, Reply | PendingReply)
    return result


def _ttl(engine: Engine, now: float) -> int | None:
    """The TTL that a client is told now; None where the upstream would be asked."""
    result = _ask(engine, now)
    return wire.read(result.packet).answer[0].ttl if isinstance(result, Reply) else None


def steps() -> Seen:
    """An entry of 300 s while the wall clock jumps a day ahead and two days back."""
    wall, now = 1_800_000_000.0, 5000.0
    engine = _engine(wall)
    pending = _ask(engine, now)
    assert isinstance(pending, PendingReply)
    packet = wire.reply(_ASKED, [wire.address(wire.AT_QUESTION, "192.0.2.1", 300)])
    scanned = response.scan(packet)
    assert scanned is not None
    engine.cache.put(pending.question.key, make_entry(scanned, now, dnssec_ok=False))
    told = []
    for second, jump in ((0, 0.0), (10, _DAY), (20, -_DAY), (200, 10 * _DAY), (299, -_DAY)):
        engine.advance(wall + second + jump, now + second)
        told.append(_ttl(engine, now + second))
    engine.advance(wall - _DAY, now + 301)
    told.append(_ttl(engine, now + 301))
    return Seen(told == [300, 290, 280, 100, 1, None], f"TTLs {told}")


ATTACKS = (Attack("clock", "TTLs [300, 290, 280, 100, 1, None]", steps),)
