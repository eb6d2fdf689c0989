"""The ranges that contain an address, against a slow reading; one address stands for its like."""

from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from hypothesis import given
from hypothesis import strategies as st

from resolver.policy.address_ranges import PRIVATE, AddressRanges
from resolver.policy.compiled import AddressRange
from resolver.policy.prefix import Prefix
from resolver.policy.upstream_groups import RebindingProtection

Network = IPv4Network | IPv6Network

NETWORKS: list[Network] = [
    ip_network(text)
    for text in (
        *("149.154.160.0/20", "149.154.164.0/22", "149.154.164.0/24", "149.154.175.255/32"),
        *("91.108.4.0/22", "91.108.8.0/22", "223.255.255.0/24", "192.168.7.0/24"),
        *("2001:67c:4e8::/48", "2001:67c:4e8:f::/64", "ffff:ffff::/32"),
    )
]
PRIVATE_HERE = [ip_network("192.168.0.0/16"), ip_network("fc00::/7")]
LET_THROUGH = [ip_network("192.168.1.0/24"), ip_network("203.0.113.0/24"), ip_network("fd00::/64")]


def ranges(protected: bool) -> AddressRanges:
    let_through = tuple(Prefix(n.network_address.packed, n.prefixlen, 0) for n in LET_THROUGH)
    return AddressRanges(
        [
            AddressRange(network.network_address.packed, network.prefixlen, 0, place)
            for place, network in enumerate(NETWORKS)
        ],
        [RebindingProtection((), let_through)] if protected else [],
    )


RANGES = {protected: ranges(protected) for protected in (False, True)}


@st.composite
def addresses(draw: st.DrawFn) -> bytes:
    """One at an edge of a range, or beside it."""
    network = draw(st.sampled_from([*NETWORKS, *PRIVATE_HERE, *LET_THROUGH]))
    number = int(draw(st.sampled_from([network[0], network[-1]]))) + draw(st.integers(-1, 1))
    size = 4 if network.version == 4 else 16
    return min(number, (1 << 8 * size) - 1).to_bytes(size, "big")


def slow(octets: bytes) -> list[int]:
    address = ip_address(octets)
    places = [place for place, network in enumerate(NETWORKS) if address in network]
    return sorted(places, key=lambda place: -NETWORKS[place].prefixlen)


@given(addresses())
def test_an_address_is_in_the_ranges_that_contain_it(octets: bytes) -> None:
    assert list(RANGES[False].matches(octets)) == slow(octets)
    assert RANGES[True].of_services(octets) == slow(octets)
    is_private = any(ip_address(octets) in network for network in PRIVATE_HERE)
    assert (PRIVATE in RANGES[True].matches(octets)) == is_private
    assert PRIVATE not in RANGES[False].matches(octets)


@given(st.lists(addresses(), max_size=40))
def test_one_address_stands_for_those_that_are_judged_alike(many: list[bytes]) -> None:
    def alike(octets: bytes) -> tuple[object, ...]:
        address = ip_address(octets)
        private = any(address in network for network in PRIVATE_HERE)
        return (
            tuple(slow(octets)),
            private,
            private and tuple(address in network for network in LET_THROUGH),
        )

    kept = RANGES[True].distinct(many)
    judged = [octets for octets in many if alike(octets)[0] or alike(octets)[1]]
    assert [alike(octets) for octets in kept] == list(dict.fromkeys(map(alike, judged)))
    assert list(kept) == [next(o for o in judged if alike(o) == alike(octets)) for octets in kept]
