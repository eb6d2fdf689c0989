"""What the engine forgets is freed at once: workers look for cycles among the youngest only."""

import gc
from collections.abc import Iterator

import pytest
from dnslib import EDNS0, DNSRecord

from resolver.dns.render import QueryProfile, ReplyTemplate
from resolver.dns.transport import UDP
from resolver.engine.cache import AnswerCache
from resolver.engine.client import Client
from resolver.engine.engine import Engine
from resolver.engine.loaded_snapshot import LoadedSnapshot
from resolver.engine.result import PendingReply, Reply
from resolver.policy.index import Index
from resolver.policy.prefixes import packed
from resolver.policy.view import View
from tests.exchange.rendered_entries import entry_of
from tests.live.uncollected import uncollected
from tests.policy.networks import snapshot_of

ADDRESS = packed("10.10.0.5")
SNAPSHOT = snapshot_of()


@pytest.fixture(autouse=True)
def _as_a_worker() -> Iterator[None]:
    with uncollected():
        yield


def engine() -> Engine:
    index = Index(SNAPSHOT.trie, SNAPSHOT.rules)
    return Engine(LoadedSnapshot(SNAPSHOT.compiled, index, 1.8e9), AnswerCache(1 << 20))


def query(name: str, size: int = 1232) -> bytes:
    made = DNSRecord.question(name)
    made.add_ar(EDNS0(udp_len=size))
    return bytes(made.pack())


def ask(of: Engine, packet: bytes, now: float = 0.0) -> Reply | PendingReply:
    result = of.answer(of.clients.of(ADDRESS, UDP), packet, now)
    assert isinstance(result, Reply | PendingReply)
    return result


def answered(of: Engine, pending: Reply | PendingReply) -> None:
    """Let the upstream answer."""
    assert isinstance(pending, PendingReply)
    response = DNSRecord.question("open.example").reply()
    response.header.rcode = 3  # without an SOA, it is asked for anew each time
    entry = entry_of(bytes(response.pack()))
    of.cache.remember(pending.question.key, entry, 0.0)
    of.conclude(pending, entry, 0.0)


def alive() -> list[str]:
    kinds = (QueryProfile, ReplyTemplate, Client, View, LoadedSnapshot, Index)
    return sorted(type(thing).__name__ for thing in gc.get_objects() if isinstance(thing, kinds))


def use(of: Engine) -> None:
    """Ask for all kinds of answers."""
    answered(of, ask(of, query("open.example")))
    for name in ("open.example", "b.example", "www.a.example", "localhost", "open.example"):
        ask(of, query(name))


def test_a_flush_frees_all_that_was_made_for_the_policy_as_it_was() -> None:
    of = engine()
    unused = alive()
    use(of)
    assert "QueryProfile" in alive()
    of.flush(b"\x00")
    left = alive()
    assert [text for text in left if text not in ("View", *unused)] == []


def test_another_snapshot_frees_the_one_before() -> None:
    of = engine()
    unused = alive()
    for _ in range(3):
        use(of)
        of.replace(LoadedSnapshot(SNAPSHOT.compiled, Index(SNAPSHOT.trie, SNAPSHOT.rules), 1.8e9))
    assert alive() == unused


def test_what_waited_over_a_reload_leaves_nothing() -> None:
    of = engine()
    unused = alive()
    pending = ask(of, query("open.example"))
    of.replace(LoadedSnapshot(SNAPSHOT.compiled, Index(SNAPSHOT.trie, SNAPSHOT.rules), 1.8e9))
    answered(of, pending)
    del pending
    of.replace(LoadedSnapshot(SNAPSHOT.compiled, Index(SNAPSHOT.trie, SNAPSHOT.rules), 1.8e9))
    assert alive() == unused


def test_profiles_without_number_are_not_kept() -> None:
    of = engine()
    before = alive()
    for size in range(512, 2512):
        ask(of, query("b.example", size))
    for text in ("QueryProfile", "BlockedTemplate"):
        assert alive().count(text) - before.count(text) <= 256
