"""Who is refused most: bounded, and true within what it says."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from resolver.metrics.unknown_clients import UnknownClientCounts, UnknownClients, merged
from resolver.policy.prefixes import packed

KEPT = 4

PLACES = st.integers(0, 40)


def counted(places: list[int], kept: int = KEPT) -> UnknownClients:
    counts = UnknownClientCounts(kept)
    for place in places:
        counts.count(packed(f"10.0.{place}.7"))
        assert len(counts.all().prefixes) <= 2 * kept
    return counts.all()


def truth(places: list[int]) -> Counter[str]:
    return Counter(f"10.0.{place}.0/24" for place in places)


@given(st.lists(PLACES, max_size=300))
def test_counts_are_true_but_for_what_it_says(places: list[int]) -> None:
    told = counted(places)
    held, true = dict(told.prefixes), truth(places)
    assert told.missed * (KEPT + 1) <= len(places)
    for prefix, times in true.items():
        assert times - told.missed <= held.get(prefix, 0) <= times
    assert held.keys() <= true.keys()
    assert list(held.values()) == sorted(held.values(), reverse=True)


@given(st.lists(st.lists(PLACES, max_size=100), max_size=4))
def test_what_several_workers_counted_is_as_true_together(parts: list[list[int]]) -> None:
    told = merged((counted(part) for part in parts), 1000)
    held = dict(told.prefixes)
    for prefix, times in truth([place for part in parts for place in part]).items():
        assert times - told.missed <= held.get(prefix, 0) <= times


def test_hostile_prefixes_neither_grow_it_nor_push_out_a_heavy_one() -> None:
    counts = UnknownClientCounts()
    for number in range(10_000):
        counts.count(packed(f"198.{number >> 8}.{number & 255}.1"))
        counts.count(packed(f"2001:db8:{number:x}::1"))
        if number % 100 == 0:
            counts.count(packed(f"10.99.3.{number // 100}"))
    told = counts.all()
    assert len(told.prefixes) <= 2048
    prefix, times = told.prefixes[0]
    assert prefix == "10.99.3.0/24"
    assert 100 - told.missed <= times <= 100


def test_clients_are_told_by_the_prefix_that_limits_them() -> None:
    counts = UnknownClientCounts()
    for address in ("10.0.1.1", "10.0.1.255", "fd00:10:0:1::5", "fd00:10:0:1:2::5", "fe80::1%eth0"):
        counts.count(packed(address))
    assert counts.all() == UnknownClients(
        (("10.0.1.0/24", 2), ("fd00:10:0:1::/64", 2), ("fe80::/64", 1)), 0
    )
