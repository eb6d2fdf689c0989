"""How many queries a client address, and a client prefix, may send."""

import pytest

from resolver.engine.limits import UNKNOWN_RATE, ClientLimit, Limits
from resolver.policy.prefixes import packed

BEAT = 0.5
LARGE = 1_000_000
ADMINISTRATION, PUBLICITY = 0, 1


def limits_of(address: int, prefix: int) -> Limits:
    """The limits of two VLANs with these rates."""
    return Limits([address, address], prefix)


def client(limits: Limits, address: str, vlan: int = 0, stream: bool = False) -> ClientLimit:
    return limits.of_client(packed(address), vlan, stream)


def taken(limit: ClientLimit, of: int) -> int:
    return sum(limit.take() for _ in range(of))


@pytest.mark.parametrize("rate", [1, 3, 20, 20_000])
@pytest.mark.parametrize("by", ["address", "prefix"])
def test_a_client_that_never_stops_asking_gets_its_rate(rate: int, by: str) -> None:
    limits = limits_of(rate, LARGE) if by == "address" else limits_of(LARGE, rate)
    limit = client(limits, "10.10.0.5")
    burst = taken(limit, 3 * rate)
    limits.set_time(0.5)
    got = 0
    for beat in range(20):
        limits.set_time((beat + 2) * BEAT)
        got += taken(limit, 2 * rate)
    assert burst == 2 * rate
    assert rate * 10 <= got <= rate * 10 + rate


def test_a_pause_gives_back_no_more_than_a_burst() -> None:
    limits = limits_of(5, LARGE)
    limit = client(limits, "10.10.0.5")
    taken(limit, 100)
    limits.set_time(10_000.0)
    assert taken(limit, 100) == 10


def test_a_flood_takes_nothing_from_its_neighbours() -> None:
    limits = limits_of(5, 50)
    assert taken(client(limits, "10.10.0.5"), 10_000) == 10
    assert taken(client(limits, "10.10.0.6"), 10) == 10


def test_the_addresses_of_a_prefix_share_its_rate() -> None:
    limits = limits_of(5, 6)
    assert taken(client(limits, "10.10.0.5"), 100) == 10
    assert taken(client(limits, "10.10.0.6"), 100) == 2
    assert taken(client(limits, "10.10.1.5"), 100) == 10
    assert taken(client(limits, "fd00:10::5"), 100) == 10
    assert taken(client(limits, "fd00:10::ffff:0:5"), 100) == 2
    assert taken(client(limits, "fd00:10:0:1::5"), 100) == 10


def test_vlans_share_nothing_though_they_have_a_prefix_in_common() -> None:
    limits = limits_of(5, 5)
    assert taken(client(limits, "10.10.0.5", ADMINISTRATION), 100) == 10
    assert taken(client(limits, "10.10.0.130", PUBLICITY), 100) == 10


def test_udp_takes_nothing_from_tcp() -> None:
    limits = limits_of(5, 5)
    assert taken(client(limits, "10.10.0.5"), 100) == 10
    assert taken(client(limits, "10.10.0.5", stream=True), 100) == 10


def test_a_vlan_may_have_a_rate_of_its_own() -> None:
    limits = Limits([5, 500], LARGE)
    assert taken(client(limits, "10.10.0.5", ADMINISTRATION), 2000) == 10
    assert taken(client(limits, "10.20.0.5", PUBLICITY), 2000) == 1000


def test_unknown_clients_share_a_small_one_of_their_own() -> None:
    limits = limits_of(20_000, 20_000)
    stranger = packed("192.0.2.1")
    assert taken(limits.of_unknown(stranger), 100) == 2 * UNKNOWN_RATE
    assert taken(limits.of_unknown(packed("192.0.2.2")), 100) == 0
    assert taken(client(limits, "192.0.2.1"), 1) == 1


def test_strangers_without_number_leave_known_clients_their_bucket() -> None:
    limits = limits_of(5, 5)
    assert taken(client(limits, "10.10.0.5"), 100) == 10
    for number in range(20_000):
        limits.of_unknown(packed(f"198.{number >> 8}.{number & 255}.1"))
    assert taken(client(limits, "10.10.0.6"), 100) == 0


def test_a_bucket_that_is_held_fills_though_it_was_forgotten() -> None:
    limits = limits_of(LARGE, 5)
    held = client(limits, "10.10.0.5")
    assert taken(held, 100) == 10
    for number in range(20_000):
        client(limits, f"10.{number >> 8}.{number & 255}.1")
    limits.set_time(1.0)
    assert taken(held, 100) == 5
