"""Whether an address has asked here, when, and since when that is known."""

import math
from ipaddress import ip_address

import pytest
from dnslib import DNSRecord

from resolver.dns.transport import TCP, UDP, Transport
from resolver.engine.cache import AnswerCache
from resolver.engine.engine import Engine
from resolver.engine.last_queries import MAX_ADDRESSES, NEVER
from resolver.engine.loaded_snapshot import LoadedSnapshot
from resolver.policy.index import Index
from resolver.policy.prefixes import packed
from tests.policy.networks import CONFIG, snapshot_of

ADDRESS = packed("10.10.0.5")
IPV6 = packed("fd00:10::5")
UNKNOWN = packed("192.0.2.1")
QUERY = bytes(DNSRecord.question("b.example").pack())
RESPONSE = bytes(DNSRecord.question("b.example").reply().pack())
WALL = 1.8e9


def loaded(config: str = CONFIG) -> LoadedSnapshot:
    snapshot = snapshot_of(config)
    return LoadedSnapshot(snapshot.compiled, Index(snapshot.trie, snapshot.rules), WALL)


@pytest.fixture
def engine() -> Engine:
    """An engine that has begun at 100 s."""
    engine = Engine(loaded(), AnswerCache(1 << 20))
    engine.advance(WALL, 100.0)
    return engine


def at(engine: Engine, address: bytes) -> float:
    return max(memory.at(address) for memory in engine.last_queries)


def since(engine: Engine) -> float:
    return max(memory.since for memory in engine.last_queries)


def ask(
    engine: Engine, origin: bytes, now: float, packet: bytes = QUERY, transport: Transport = UDP
) -> None:
    engine.answer(engine.clients.of(origin, transport), packet, now)


def test_the_last_query_of_an_address_is_known_over_all_transports(engine: Engine) -> None:
    assert at(engine, ADDRESS) == NEVER
    ask(engine, ADDRESS, 101.0)
    ask(engine, ADDRESS, 103.0, transport=TCP)
    ask(engine, packed("10.10.0.6"), 104.0)
    assert at(engine, ADDRESS) == 103.0
    ask(engine, ADDRESS, 105.0)
    assert at(engine, ADDRESS) == 105.0
    assert since(engine) == 100.0


@pytest.mark.parametrize("scope", [b"", bytes(4)])
def test_an_address_of_ipv6_is_one_with_and_without_an_empty_scope(
    engine: Engine, scope: bytes
) -> None:
    ask(engine, IPV6 + scope, 101.0)
    assert at(engine, IPV6) == 101.0


def test_a_link_local_address_is_that_of_its_link(engine: Engine) -> None:
    address, here, there = packed("fe80::5"), b"\x02\0\0\0", b"\x03\0\0\0"
    ask(engine, address + here, 101.0)
    assert at(engine, address + here) == 101.0
    assert at(engine, address + there) == NEVER


def test_it_outlives_a_flush_and_a_reload_and_a_move_to_another_vlan(engine: Engine) -> None:
    ask(engine, ADDRESS, 101.0)
    engine.flush(b"\x00")
    engine.replace(loaded(CONFIG.replace("10.10.", "10.11.")))
    engine.advance(WALL + 2, 102.0)
    assert engine.clients.of(ADDRESS, UDP).view is None
    assert at(engine, ADDRESS) == 101.0
    assert since(engine) == 100.0
    ask(engine, ADDRESS, 103.0)
    assert at(engine, ADDRESS) == 103.0


def test_a_client_that_is_refused_has_asked(engine: Engine) -> None:
    ask(engine, UNKNOWN, 101.0)
    assert at(engine, UNKNOWN) == 101.0


def test_a_client_over_its_limit_has_asked(engine: Engine) -> None:
    while engine.clients.of(ADDRESS, UDP).limit.take():
        pass
    ask(engine, ADDRESS, 100.0)
    assert at(engine, ADDRESS) == 100.0


def test_what_is_no_query_and_what_was_never_sent_is_not_asked(engine: Engine) -> None:
    ask(engine, ADDRESS, 101.0, RESPONSE)
    engine.clients.of(UNKNOWN, TCP)  # a connection alone
    assert at(engine, ADDRESS) == NEVER
    assert at(engine, UNKNOWN) == NEVER


def flood(engine: Engine, first: str, count: int, now: float) -> None:
    for number in range(count):
        ask(engine, (ip_address(first) + number).packed, now)


def test_a_memory_that_is_full_begins_anew_and_says_so(engine: Engine) -> None:
    ask(engine, ADDRESS, 101.0)
    held = engine.clients.of(ADDRESS, TCP)
    flood(engine, "fd00:10::1:0", MAX_ADDRESSES, 102.0)
    assert at(engine, ADDRESS) == NEVER
    assert since(engine) == math.inf
    engine.advance(WALL + 3, 103.0)
    assert since(engine) == 103.0
    assert engine.clients.of(ADDRESS, TCP) is not held
    ask(engine, ADDRESS, 104.0, transport=TCP)
    assert at(engine, ADDRESS) == 104.0


def test_addresses_in_no_vlan_evict_none_of_a_vlan(engine: Engine) -> None:
    ask(engine, ADDRESS, 101.0)
    ask(engine, UNKNOWN, 101.0)
    flood(engine, "2001:db8::1:0", MAX_ADDRESSES, 102.0)
    assert at(engine, ADDRESS) == 101.0
    assert at(engine, UNKNOWN) == NEVER
    engine.advance(WALL + 3, 103.0)
    assert since(engine) == 103.0  # what ADDRESS asked while in no VLAN is gone, too


@pytest.mark.parametrize("ahead", [3600.0, -3600.0])
def test_after_the_clock_was_set_no_moment_is_shown_that_was_by_another(
    engine: Engine, ahead: float
) -> None:
    ask(engine, ADDRESS, 101.0)
    engine.advance(WALL + 2, 102.0)
    assert at(engine, ADDRESS) == 101.0
    engine.advance(WALL + 3 + ahead, 103.0)
    assert at(engine, ADDRESS) == NEVER
    assert since(engine) == 103.0
    ask(engine, ADDRESS, 104.0)
    assert at(engine, ADDRESS) == 104.0
