"""Addresses and prefixes, against the standard library's own idea of them."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from hypothesis import given
from hypothesis import strategies as st

from resolver.policy.prefix import Prefix
from resolver.policy.prefixes import PrefixTable, client_prefix, packed

# Few high bits vary, so that prefixes often hold addresses and each other.
HIGH, LOW = st.integers(0, 3), st.integers(0, 7)
V4 = st.builds(lambda high, low: IPv4Address(high << 30 | low), HIGH, LOW)
V6 = st.builds(lambda high, low: IPv6Address(high << 126 | low), HIGH, LOW)
ADDRESSES = V4 | V6


@st.composite
def networks(draw: st.DrawFn) -> IPv4Network | IPv6Network:
    address = draw(ADDRESSES)
    bits = address.max_prefixlen
    length = draw(st.integers(0, 3) | st.integers(bits - 4, bits))
    return ip_network((address, length), strict=False)


@given(st.lists(networks(), max_size=12), ADDRESSES)
def test_the_longest_prefix_comes_first(
    given_networks: list[IPv4Network | IPv6Network], address: IPv4Address | IPv6Address
) -> None:
    table = PrefixTable(
        Prefix(network.network_address.packed, network.prefixlen, owner)
        for owner, network in enumerate(given_networks)
    )
    holding = [
        (-network.prefixlen, owner)
        for owner, network in enumerate(given_networks)
        if network.version == address.version and address in network
    ]
    assert table.matches(address.packed) == [owner for _, owner in sorted(holding)]


@given(ADDRESSES)
def test_clients_are_limited_by_24_and_64(address: IPv4Address | IPv6Address) -> None:
    length = 24 if address.version == 4 else 64
    network = ip_network((address, length), strict=False)
    assert client_prefix(address.packed) == network.network_address.packed[: length // 8]


def test_a_scope_is_left_out() -> None:
    assert packed("fe80::1%eth0") == ip_address("fe80::1").packed
