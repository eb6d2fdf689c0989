"""Cache entries: what a client may get of what an upstream said, and for how long."""

from dnslib import DNSRecord
from hypothesis import given
from hypothesis import strategies as st

from resolver.dns import names
from resolver.dns.render import QueryProfile
from resolver.dns.response import scan
from resolver.engine.cache import AnswerCache
from resolver.exchange.entry import MAX_TTL, CacheEntry, make_entry
from resolver.exchange.failure import Failure
from resolver.exchange.question import cache_key
from tests.dns.made_packets import Counted
from tests.exchange.rendered_entries import entry_of, reply, ttls_of
from tests.exchange.usual_responses import usual_responses


def key(qtype: int = 1, name: str = "www.example.org") -> bytes:
    return cache_key(names.parse(name), QueryProfile(0, qtype=qtype), b"")


def made_entry(
    records: bytes = b"", errors: tuple[bytes, ...] = (), now: float = 0.0
) -> CacheEntry:
    return CacheEntry(False, 0, records, (1, 0, 0), b"", 60, now, (), (), errors)


def ttls(packet: bytes) -> list[int]:
    record = DNSRecord.parse(packet)
    return [item.ttl for item in (*record.rr, *record.auth, *record.ar) if item.rtype != 41]


@given(usual_responses(), st.lists(st.floats(0, 2 * MAX_TTL), min_size=1, max_size=3).map(sorted))
def test_a_client_gets_no_more_than_what_is_left(
    made: tuple[bytes, int], later: list[float]
) -> None:
    packet, length = made
    entry = entry_of(packet)
    kept = ttls_of(entry)
    assert all(ttl <= MAX_TTL for ttl in kept)
    for moment in later:
        given = ttls(reply(entry, packet[12 : 12 + length], moment))
        assert given == [max(ttl - int(moment), 0) for ttl in kept]


@given(usual_responses())
def test_an_entry_ends_before_any_of_its_ttls(made: tuple[bytes, int]) -> None:
    entry = entry_of(made[0])
    if entry.rcode in (0, 3):
        assert all(entry.lifetime <= ttl for ttl in ttls_of(entry))


@given(usual_responses())
def test_only_answers_and_sound_absence_are_kept(made: tuple[bytes, int]) -> None:
    record = DNSRecord.parse(made[0])
    found = entry_of(made[0])
    if found.rcode == 3 and not any(item.rtype == 6 for item in record.auth):
        assert found.lifetime == 0
    if not record.rr and not record.auth and found.rcode == 0:
        assert found.lifetime == 5


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 900)), max_size=60))
def test_the_cache_stays_under_its_bound(puts: list[tuple[int, int]]) -> None:
    cache = AnswerCache(6000)
    for place, size in puts:
        made = made_entry(bytes(size))
        cache.put(key(place), made)
        assert cache.bytes <= 6000
        assert cache.get(key(place), 0.0) is made
    held = [cache.get(key(place), 0.0) for place in range(31)]
    assert cache.bytes == sum(entry.size for entry in held if entry is not None)


def test_the_oldest_goes_first_unless_it_was_asked_for() -> None:
    entries = [made_entry(bytes(100)) for _ in range(4)]
    cache = AnswerCache(3 * entries[0].size)
    for place in range(3):
        cache.put(key(place), entries[place])
    assert cache.get(key(0), 1.0) is not None
    cache.put(key(3), entries[3])
    held = [place for place in range(4) if cache.get(key(place), 1.0)]
    assert held == [0, 2, 3]


NAMES = ("example.org", "www.example.org", "example.net")


@given(st.lists(st.tuples(st.sampled_from(NAMES), st.booleans(), st.integers(0, 3)), max_size=60))
def test_names_that_are_flushed_and_stored_again_leave_nothing_behind(
    steps: list[tuple[str, bool, int]],
) -> None:
    one = made_entry(bytes(100))
    cache = AnswerCache(4 * one.size)
    for name, flushes, place in steps:
        if flushes:
            cache.flush(names.parse(name))
            assert cache.get(key(place, name), 0.0) is None
        else:
            cache.put(key(place, name), made_entry(bytes(100)))
    held = [
        kept for name in NAMES for place in range(4) if (kept := cache.get(key(place, name), 0))
    ]
    assert len(cache) == len(held) <= 4
    assert cache.bytes == sum(entry.size for entry in held)
    for place in range(5):
        cache.put(key(place, "last.example"), made_entry(bytes(100)))
    assert len(cache) == 4


def test_an_entry_that_is_stored_again_counts_as_used() -> None:
    entries = [made_entry(bytes(100)) for _ in range(5)]
    cache = AnswerCache(3 * entries[0].size)
    for place in range(3):
        cache.put(key(place), entries[place])
    cache.put(key(0), entries[3])
    cache.put(key(4), entries[4])
    assert [place for place in range(5) if cache.get(key(place), 1.0)] == [0, 2, 4]


def test_an_expired_answer_that_is_served_is_not_evicted_before_others() -> None:
    entries = [made_entry(bytes(100)) for _ in range(4)]
    cache = AnswerCache(3 * entries[0].size)
    for place in range(3):
        cache.put(key(place), entries[place])
    cache.failures.put(key(0), Failure(22, "no answer"), 99.0, 61.0)
    assert cache.get(key(0), 61.0) is not None
    cache.put(key(3), entries[3])
    assert cache.get(key(0), 61.0) is not None


def test_an_entry_is_fresh_to_its_end_and_no_longer() -> None:
    cache = AnswerCache(10_000)
    cache.put(key(), made_entry(now=100.0))
    assert cache.get(key(), 159.9) is not None
    assert cache.get(key(), 160.0) is None


def test_flushing_a_name_forgets_all_below_it_and_nothing_beside() -> None:
    made = made_entry()
    cache = AnswerCache(100_000)
    for text in ("example.org", "www.example.org", "notexample.org", "org"):
        cache.put(key(name=text), made)
    assert cache.flush(names.parse("example.org")) == 2
    for text in ("notexample.org", "org"):
        assert cache.get(key(name=text), 0.0) is made
    assert cache.bytes == 2 * made.size


def with_many_beside(count: int) -> bytes:
    """An address of the question's name, and as many of another as there may be."""
    answer = b"\xc0\x0c\x00\x01\x00\x01" + bytes(4) + b"\x00\x04" + bytes(4)
    beside = b"\x01b\x00\x00\x01\x00\x01" + bytes(4) + b"\x00\x04" + bytes(4)
    counts = b"\x00\x01" + (count + 1).to_bytes(2, "big") + bytes(4)
    return b"\x00\x00\x80\x00" + counts + b"\x01a\x00\x00\x01\x00\x01" + answer + beside * count


def test_leaving_records_out_is_linear_in_the_length() -> None:
    packet = Counted(with_many_beside(600))
    response = scan(packet)
    assert response is not None
    packet.looks = 0
    make_entry(response, 0.0, dnssec_ok=False)
    assert packet.looks <= 20 * len(packet)


def test_the_errors_that_an_entry_holds_are_counted() -> None:
    assert made_entry(errors=(b"\x00\x01" + bytes(1000),)).size >= made_entry().size + 1002
