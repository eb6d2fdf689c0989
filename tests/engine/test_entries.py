"""Entries and the cache: what a client may be told of what an upstream said, and for how long."""

from typing import SupportsIndex, overload

from dnslib import DNSRecord
from hypothesis import given, settings
from hypothesis import strategies as st

from resolver.dns import names
from resolver.dns.query import Query
from resolver.dns.response import scan
from resolver.engine.cache import Cache, Key
from resolver.engine.entry import MAX_TTL, Entry, entry, render_entry
from tests.engine.usual_responses import usual_responses

unhurried = settings(deadline=None)
WWW = names.parse("www.example.org")
KEY = Key(WWW, 1, False, False, "")
QUERY = Query(7, 0x0100, WWW, 1, 1, WWW + b"\x00\x01\x00\x01", None)


def kept(packet: bytes, now: float) -> Entry:
    response = scan(packet)
    assert response is not None
    return entry(response, now)


def ttls_of(kept: Entry) -> list[int]:
    return [int.from_bytes(kept.body[at : at + 4], "big") for at in kept.places]


def ttls(packet: bytes) -> list[int]:
    record = DNSRecord.parse(packet)
    return [each.ttl for each in (*record.rr, *record.auth, *record.ar) if each.rtype != 41]


@given(usual_responses(), st.floats(0, 2 * MAX_TTL))
@unhurried
def test_a_client_is_told_no_more_than_what_is_left(made: tuple[bytes, int], later: float) -> None:
    packet, question = made
    found = kept(packet, 0.0)
    asked = packet[12 : 12 + question]
    query = QUERY._replace(question=asked, qtype=int.from_bytes(asked[-4:-2], "big"))
    told = ttls(render_entry(query, found, later, 65535))
    kept_ttls = ttls_of(found)
    assert len(told) == len(kept_ttls)
    for ttl, left in zip(kept_ttls, told, strict=True):
        assert left == max(ttl - int(later), 0)
        assert ttl <= MAX_TTL


@given(usual_responses())
@unhurried
def test_an_entry_ends_before_any_of_its_ttls(made: tuple[bytes, int]) -> None:
    found = kept(made[0], 0.0)
    if found.rcode in (0, 3):
        assert all(found.lifetime <= ttl for ttl in ttls_of(found))


@given(usual_responses())
@unhurried
def test_only_answers_and_sound_absence_are_kept(made: tuple[bytes, int]) -> None:
    record = DNSRecord.parse(made[0])
    found = kept(made[0], 0.0)
    if found.rcode == 3 and not any(each.rtype == 6 for each in record.auth):
        assert found.lifetime == 0
    if not record.rr and not record.auth and found.rcode != 2:
        assert found.lifetime == 0


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 900)), max_size=60))
def test_the_cache_stays_under_its_bound(puts: list[tuple[int, int]]) -> None:
    cache = Cache(6000)
    for place, size in puts:
        made = Entry(0, 0, bytes(size), (1, 0, 0), (), 60, 0.0, (), ())
        cache.put(KEY._replace(qtype=place), made)
        assert cache.bytes <= 6000
        assert cache.get(KEY._replace(qtype=place), 0.0) is made
    held = [cache.get(KEY._replace(qtype=place), 0.0) for place in range(31)]
    assert cache.bytes == sum(each.size for each in held if each is not None)


def test_the_oldest_goes_first_unless_it_was_asked_for() -> None:
    entries = [Entry(0, 0, bytes(100), (1, 0, 0), (), 60, 0.0, (), ()) for _ in range(4)]
    cache = Cache(3 * entries[0].size)
    for place in range(3):
        cache.put(KEY._replace(qtype=place), entries[place])
    assert cache.get(KEY._replace(qtype=0), 1.0) is not None
    cache.put(KEY._replace(qtype=3), entries[3])
    held = [place for place in range(4) if cache.get(KEY._replace(qtype=place), 1.0)]
    assert held == [0, 2, 3]


def test_an_entry_is_fresh_to_its_end_and_no_longer() -> None:
    cache = Cache(10_000)
    cache.put(KEY, Entry(0, 0, b"", (1, 0, 0), (), 60, 100.0, (), ()))
    assert cache.get(KEY, 159.9) is not None
    assert cache.get(KEY, 160.0) is None


def test_flushing_a_name_forgets_all_below_it_and_nothing_beside() -> None:
    made = Entry(0, 0, b"", (1, 0, 0), (), 60, 0.0, (), ())
    cache = Cache(100_000)
    for text in ("example.org", "www.example.org", "notexample.org", "org"):
        cache.put(KEY._replace(name=names.parse(text)), made)
    assert cache.flush(names.parse("example.org")) == 2
    for text in ("notexample.org", "org"):
        assert cache.get(KEY._replace(name=names.parse(text)), 0.0) is made
    assert cache.bytes == 2 * made.size


class Counted(bytes):
    """Octets that count how often they are looked at, and so do their slices."""

    looks = 0

    @overload
    def __getitem__(self, key: SupportsIndex) -> int: ...
    @overload
    def __getitem__(self, key: slice) -> bytes: ...
    def __getitem__(self, key: SupportsIndex | slice) -> int | bytes:
        Counted.looks += 1
        return super().__getitem__(key)


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
    Counted.looks = 0
    entry(response, 0.0)
    assert Counted.looks <= 20 * len(packet)


def test_the_errors_that_an_entry_holds_are_counted() -> None:
    question = b"\x01a\x00\x00\x01\x00\x01"
    bare, told = (
        Entry(0, 0, question, (0, 0, 0), (), 60, 0.0, (), errors)
        for errors in ((), (b"\x00\x01" + bytes(1000),))
    )
    assert told.size >= bare.size + 1002
