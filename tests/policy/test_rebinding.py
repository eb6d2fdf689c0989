"""Private addresses in answers, against a slow reading of what is withheld."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from hypothesis import given
from hypothesis import strategies as st

from resolver.dns import names
from resolver.policy.address_ranges import AddressRanges
from resolver.policy.prefix import Prefix
from resolver.policy.rebinding import Rebinding
from resolver.policy.upstream_groups import RebindingProtection

PRIVATE = [
    *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"),
    *("172.16.0.0/12", "192.168.0.0/16", "::/104", "fc00::/7", "fe80::/10", "fec0::/10"),
]
IN_IPV6 = {"::": 0, "::ffff:0:0": 0, "64:ff9b::": 0, "64:ff9b:1:2:3:4::": 0, "2002::1": 80}
"""By what stands around an IPv4 address, how many bits of it stand behind the address."""
LET_THROUGH = ["10.10.34.34/31", "fd00:10::/64"]
PROTECTION = RebindingProtection(
    (names.parse("b"),),
    tuple(Prefix(n.network_address.packed, n.prefixlen, 0) for n in map(ip_network, LET_THROUGH)),
)


@st.composite
def addresses(draw: st.DrawFn) -> IPv4Address | IPv6Address:
    """One at an edge of a range, or one octet beside it."""
    network = ip_network(draw(st.sampled_from([*PRIVATE, *LET_THROUGH])))
    edge = draw(st.sampled_from([network[0], network[-1]]))
    kind = IPv4Address if network.version == 4 else IPv6Address
    return kind(max(int(edge) + draw(st.integers(-1, 1)), 0))


@given(addresses(), st.sampled_from([None, *IN_IPV6]), st.sampled_from(["a.b", "b", "xb", "b.a"]))
def test_private_addresses_are_withheld_but_for_what_is_let_through(
    address: IPv4Address | IPv6Address, inside: str | None, name: str
) -> None:
    def within(prefixes: list[str]) -> bool:
        return any(
            address.version == network.version and address in network
            for network in map(ip_network, prefixes)
        )

    octets = address.packed
    if inside is not None and address.version == 4:
        number = int(ip_address(inside)) | int(address) << IN_IPV6[inside]
        octets = number.to_bytes(16, "big")
    protection = Rebinding(PROTECTION, AddressRanges((), [PROTECTION]))
    verdict = protection.check(names.parse(name), (octets,))
    withheld = within(PRIVATE) and not within(LET_THROUGH) and name not in ("a.b", "b")
    assert (verdict is not None) == withheld
    if verdict is not None:
        assert verdict.address == octets
