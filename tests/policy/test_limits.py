"""How many queries a client prefix may ask."""

import pytest

from resolver.policy.limits import UNKNOWN_RATE, Limits
from resolver.policy.prefixes import packed

BEAT = 0.5


def taken(limits: Limits, address: str, known: bool, of: int) -> int:
    bucket = limits.bucket(packed(address), known)
    return sum(bucket.take() for _ in range(of))


@pytest.mark.parametrize("rate", [1, 3, 20, 20_000])
def test_a_prefix_that_never_stops_asking_gets_its_rate(rate: int) -> None:
    limits = Limits(rate)
    burst = taken(limits, "10.10.0.5", True, 3 * rate)
    limits.set_time(0.5)
    got = 0
    for beat in range(20):
        limits.set_time((beat + 2) * BEAT)
        got += taken(limits, "10.10.0.5", True, 2 * rate)
    assert burst == 2 * rate
    assert rate * 10 <= got <= rate * 10 + rate


def test_a_pause_gives_back_no_more_than_a_burst() -> None:
    limits = Limits(5)
    taken(limits, "10.10.0.5", True, 100)
    limits.set_time(10_000.0)
    assert taken(limits, "10.10.0.5", True, 100) == 10


def test_neighbours_share_and_others_do_not() -> None:
    limits = Limits(5)
    assert taken(limits, "10.10.0.5", True, 100) == 10
    assert taken(limits, "10.10.0.6", True, 1) == 0
    assert taken(limits, "10.10.1.5", True, 1) == 1
    assert taken(limits, "fd00:10::5", True, 100) == 10
    assert taken(limits, "fd00:10:0:ff::5", True, 1) == 0
    assert taken(limits, "fd00:10:0:100::5", True, 1) == 1


def test_unknown_clients_share_a_small_one_of_their_own() -> None:
    limits = Limits(20_000)
    assert taken(limits, "192.0.2.1", False, 100) == 2 * UNKNOWN_RATE
    assert taken(limits, "192.0.2.1", True, 1) == 1


def test_strangers_without_number_leave_known_clients_their_bucket() -> None:
    limits = Limits(5)
    mine = limits.bucket(packed("10.10.0.5"), True)
    for number in range(20_000):
        limits.bucket(packed(f"198.{number >> 8}.{number & 255}.1"), False)
    assert limits.bucket(packed("10.10.0.6"), True) is mine


def test_a_bucket_that_is_held_fills_though_it_was_forgotten() -> None:
    limits = Limits(5)
    held = limits.bucket(packed("10.10.0.5"), True)
    assert sum(held.take() for _ in range(100)) == 10
    for number in range(20_000):
        limits.bucket(packed(f"10.{number >> 8}.{number & 255}.1"), True)
    limits.set_time(1.0)
    assert sum(held.take() for _ in range(100)) == 5
