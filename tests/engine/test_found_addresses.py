"""What an entry keeps of many addresses in ranges, and that the cache counts it."""

from ipaddress import ip_address, ip_network

import pytest

from resolver.dns import names
from resolver.dns.render import QueryProfile
from resolver.engine.cache import AnswerCache
from resolver.exchange.entry import CacheEntry, stale
from resolver.exchange.question import cache_key
from resolver.policy.address_ranges import AddressRanges
from resolver.policy.compiled import AddressRange
from tests.exchange.rendered_entries import entry_of

QUESTION = b"\x03www\x07example\x00\x00\x41\x00\x01"
NETWORKS = [ip_network(f"91.108.{n}.0/24") for n in range(64)]


def ranges() -> AddressRanges:
    return AddressRanges(
        [AddressRange(n.network_address.packed, n.prefixlen, 0, 1) for n in NETWORKS]
    )


def hints(many: int) -> CacheEntry:
    """The entry of an HTTPS record with so many hints, in one range after the other."""
    octets = [
        (int(NETWORKS[n % len(NETWORKS)][0]) + n // len(NETWORKS) % 256).to_bytes(4, "big")
        for n in range(many)
    ]
    data = b"\x00\x01\x00\x00\x04" + (4 * many).to_bytes(2, "big") + b"".join(octets)
    record = b"\xc0\x0c\x00\x41\x00\x01\x00\x00\x00\x3c" + len(data).to_bytes(2, "big") + data
    return entry_of(b"\x00\x01\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00" + QUESTION + record)


def key(place: int) -> bytes:
    return cache_key(names.parse(f"n{place}.example"), QueryProfile(0, qtype=65), b"")


@pytest.mark.parametrize("many", [0, 1, 64, 16_200])
def test_an_entry_keeps_one_address_a_range_and_counts_it(many: int) -> None:
    entry = hints(many)
    before = entry.size
    AnswerCache(0).find_addresses(key(0), entry, ranges())
    kept = min(many, len(NETWORKS))
    assert [str(ip_address(address)) for address in entry.addresses] == [
        str(network[0]) for network in NETWORKS[:kept]
    ]
    assert entry.size - before >= kept * (33 + 4 + 8)  # an object, its octets, its place
    AnswerCache(0).find_addresses(key(0), entry, None)
    assert (entry.addresses, entry.size) == ((), before)


def test_the_cache_stays_under_its_bound_as_addresses_are_found() -> None:
    whole = hints(64)
    AnswerCache(0).find_addresses(key(0), whole, ranges())
    cache = AnswerCache(3 * whole.size)
    for place in range(12):
        entry = hints(64)
        cache.put(key(place), entry)
        cache.find_addresses(key(place), entry, ranges())
        assert cache.bytes <= cache.max_bytes
    again = ranges()  # of a reload
    held = [cache.get(key(place), 0.0) for place in range(12)]
    for place, found in enumerate(held):
        if found is not None:
            cache.find_addresses(key(place), found, again)
    kept = [found for place in range(12) if (found := cache.get(key(place), 0.0))]
    assert len(kept) == 3
    assert cache.bytes == sum(entry.size for entry in kept)


def test_an_entry_that_is_not_stored_does_not_count() -> None:
    cache = AnswerCache(1 << 20)
    cache.put(key(0), hints(64))
    before = cache.bytes
    cache.find_addresses(key(0), hints(64), ranges())
    cache.find_addresses(key(1), hints(64), ranges())
    assert cache.bytes == before


def test_a_stale_answer_is_not_searched_again() -> None:
    entry, found = hints(64), ranges()
    AnswerCache(0).find_addresses(key(0), entry, found)
    old = stale(entry, 100.0)
    assert (old.ranges, old.addresses) == (found, entry.addresses)


def test_an_entry_counts_all_its_records() -> None:
    one, many = (CacheEntry(False, 0, b"", (n, 0, 0), bytes(2 * n), 60, 0) for n in (1, 600))
    assert many.size - one.size == 2 * 599
