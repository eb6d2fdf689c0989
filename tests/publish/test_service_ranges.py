"""Address rules: the zones of a VLAN, longest prefix first, say what this server says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.dns import names
from resolver.policy.index import Index
from resolver.policy.prefix import Prefix
from resolver.policy.prefixes import Network, network_of, packed
from resolver.policy.verdict import BLOCKED, PASSED
from resolver.policy.view import Views
from resolver.publish.policy_zones import NODATA, PASSTHRU, AddressRule, ZoneAction, policy_zones
from tests.config.tables import exemption, vlan
from tests.policy.networks import judge, snapshot_of
from tests.publish.zone_lookup import ZoneLookup

WALL = 1.8e9
_TABLES = (
    vlan("plain", "administrative", "10.10.0.0/16")
    + vlan("exempted", "administrative", "10.11.0.0/16")
    + exemption("pr", "one", vlan="exempted")
)
CONFIG = (
    """
[policies.administrative]
block = ["one", "two"]
answer = "nxdomain"
"""
    + _TABLES
)
LISTS = {
    name: f"! Category: messenger\n||{name}.example^\n" for name in ("one", "two", "three")
} | {
    "one.ip": "149.144.0.0/12\n149.154.2.0/24\n91.108.4.0/24\n2400:1::/32\n",
    "two.ip": "149.154.0.0/16\n91.108.4.0/24\n2400:1:2::/48\n",
    "three.ip": "149.154.2.128/25\n8.8.8.0/24\n",
}
SNAPSHOT = snapshot_of(CONFIG, LISTS)
ZONES = policy_zones(SNAPSHOT.compiled, Index(SNAPSHOT.trie, SNAPSHOT.rules), WALL)
ADDRESSES = st.sampled_from(
    [
        *("149.145.0.1", "149.154.9.1", "149.154.2.1", "149.154.2.200", "91.108.4.1", "8.8.8.8"),
        *("2400:1::1", "2400:1:2::1", "203.0.113.1", "2400:2::1"),
        *("::ffff:149.145.0.1", "::149.154.9.1", "64:ff9b::149.154.2.1", "2002:959a:2c8::1"),
        *("::ffff:8.8.8.8", "2002:5b6c:401::", "2002:808:808::1", "64:ff9b:2::149.145.0.1"),
    ]
)


def decide(zones: list[tuple[AddressRule, ...]], address: Network) -> ZoneAction | None:
    """The action of the first zone with a range for an address, by its longest prefix."""
    for zone in zones:
        ranges = {network_of(Prefix(rule.network, rule.length, 0)): rule.action for rule in zone}
        around = [
            network
            for network in ranges
            if network.version == address.version and address.subnet_of(network)  # type: ignore[arg-type]
        ]
        if around:
            return ranges[max(around, key=lambda network: network.prefixlen)]
    return None


@pytest.mark.parametrize("vlan", [0, 1])
@given(text=ADDRESSES)
def test_the_zones_say_of_an_address_what_this_server_says(vlan: int, text: str) -> None:
    octets = packed(text)
    [block_set] = ZONES.block_sets
    zones = [ZONES.vlans[vlan].addresses, block_set.addresses]
    view = Views(SNAPSHOT.compiled, WALL).of_vlan(vlan)
    verdict = judge(SNAPSHOT).check_answer(view, names.parse("x.example"), (), (), (octets,))
    address = network_of(Prefix(octets, 8 * len(octets), 0))
    is_blocked = decide(zones, address) not in (None, PASSTHRU)
    assert is_blocked == (verdict.outcome is BLOCKED)


FEW = CONFIG.replace('block = ["one", "two"]', 'default = "block"')


@pytest.mark.parametrize("config", [CONFIG, FEW])
@pytest.mark.parametrize("vlan", [0, 1])
@given(
    text=ADDRESSES,
    name=st.sampled_from(["one.example", "two.example", "x.two.example", "new.example"]),
)
def test_an_address_that_passes_opens_no_name_that_is_blocked(
    config: str, vlan: int, text: str, name: str
) -> None:
    """As BIND decides: the first zone that has a rule, and in a zone that for the name."""
    of, question, octets = snapshot_of(config, LISTS), names.parse(name), packed(text)
    every = policy_zones(of.compiled, of.index(), WALL)
    view = Views(of.compiled, WALL).of_vlan(vlan)
    asked = judge(of).check_query(view, question)
    answered = judge(of).check_answer(view, question, (), (), (octets,))
    is_decided = asked.outcome is not PASSED  # then zones look at no address
    expected = asked if is_decided else answered
    address = network_of(Prefix(octets, 8 * len(octets), 0))
    for zone in (every.vlans[vlan], *every.block_sets):
        action = ZoneLookup([*zone.rules()]).action(question)
        action = action or decide([zone.addresses], address)
        if action:
            break
    is_blocked = action not in (None, PASSTHRU)
    assert is_blocked == (expected.outcome is BLOCKED)


def test_an_address_is_never_answered_with_nxdomain() -> None:
    assert {rule.action for rule in ZONES.block_sets[0].addresses} == {NODATA}
    assert ZONES.vlans[0].addresses == ()


@pytest.mark.parametrize("sinkhole", ['["10.10.0.1", "fd00::1"]', '["10.10.0.1"]'])
def test_an_address_is_answered_with_one_of_its_family(sinkhole: str) -> None:
    of = snapshot_of(CONFIG.replace('answer = "nxdomain"', f"sinkhole = {sinkhole}"), LISTS)
    [block_set] = policy_zones(of.compiled, of.index(), WALL).block_sets
    own = {4: ZoneAction("", (packed("10.10.0.1"),)), 16: NODATA}
    if "fd00" in sinkhole:
        own[16] = ZoneAction("", (packed("fd00::1"),))
    assert {len(rule.network) for rule in block_set.addresses} == {4, 16}
    for rule in block_set.addresses:
        assert rule.action == own[len(rule.network)]
