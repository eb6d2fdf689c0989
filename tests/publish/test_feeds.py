"""Address lists for firewalls: exactly the addresses whose clients the policy blocks."""

import re
from ipaddress import IPv4Network, ip_address, ip_network

from hypothesis import given
from hypothesis import strategies as st

from resolver.policy.compiled import CompiledConfig
from resolver.policy.view import Views
from resolver.publish.feeds import NOBODY_V4, NOBODY_V6, ServiceFeed, feed_files, service_feeds
from tests.config.tables import exemption, vlan
from tests.policy.networks import snapshot_of

WALL = 1.8e9
LISTS = {
    "one": "! Category: messenger\n||one.example^\n",
    "one.ip": "149.154.160.0/20\n149.154.160.0/22\n2001:67c:4e8::/48\n",
    "two": "! Category: messenger\n||two.example^\n",
    "two.ip": "91.108.4.0/22\n",
    "three": "! Category: messenger\n||three.example^\n",
}
POLICIES = """
[policies.blocks]
block = ["@messenger"]
[policies.counts]
count = ["@messenger"]
[policies.one]
block = ["one"]
"""


def feeds_of(tables: str) -> dict[str, ServiceFeed]:
    compiled = snapshot_of(POLICIES + tables, LISTS).compiled
    return {feed.service: feed for feed in service_feeds(compiled, WALL)}


def files_of(feed: ServiceFeed) -> dict[str, list[str]]:
    return {name: text.splitlines() for name, text in feed_files(feed)}


def test_an_exempted_address_is_cut_out() -> None:
    tables = vlan("office", "blocks", "10.10.0.0/16", "fd00:10::/64")
    exempted = exemption("pr", "one", prefixes=("10.10.3.7/32",))
    found = feeds_of(tables + exempted)
    one = files_of(found["one"])
    assert len(one["one/clients-ipv4.txt"]) == 16
    assert not any(ip_address("10.10.3.7") in ip_network(e) for e in one["one/clients-ipv4.txt"])
    assert one["one/clients-ipv6.txt"] == ["fd00:10::/64"]
    assert one["one/clients.txt"] == one["one/clients-ipv4.txt"] + one["one/clients-ipv6.txt"]
    assert files_of(found["two"])["two/clients.txt"] == ["10.10.0.0/16", "fd00:10::/64"]


def test_ranges_are_merged_and_services_without_any_have_no_list() -> None:
    found = feeds_of(vlan("office", "blocks", "10.10.0.0/16"))
    assert found.keys() == {"one", "two"}
    assert files_of(found["one"])["one/ranges.txt"] == ["149.154.160.0/20", "2001:67c:4e8::/48"]


def test_no_list_is_ever_empty() -> None:
    found = feeds_of(vlan("office", "counts", "10.10.0.0/16"))
    v4, v6 = [str(network) for network in NOBODY_V4], [str(network) for network in NOBODY_V6]
    for feed in found.values():
        files = files_of(feed)
        assert all(files.values())
        assert files[f"{feed.service}/clients.txt"] == v4 + v6
        assert files[f"{feed.service}/clients-ipv4.txt"] == v4
        assert files[f"{feed.service}/clients-ipv6.txt"] == v6
    assert files_of(found["two"])["two/ranges-ipv6.txt"] == v6


def test_neighbours_are_merged_over_vlans() -> None:
    tables = vlan("a", "blocks", "10.10.0.0/17") + vlan("b", "one", "10.10.128.0/17")
    found = feeds_of(tables)
    assert files_of(found["one"])["one/clients-ipv4.txt"] == ["10.10.0.0/16"]
    assert files_of(found["two"])["two/clients-ipv4.txt"] == ["10.10.0.0/17"]


def test_a_script_for_routeros_adds_before_it_removes() -> None:
    tables = vlan("office", "blocks", "10.10.0.9/32", "10.11.0.0/16")
    lines = files_of(feeds_of(tables)["one"])["one/clients.rsc"]
    assert lines[0] == "/ip firewall address-list"
    mark = re.search("comment=([0-9a-f]{16}) ", lines[1])
    assert mark
    add = f"add list=darban-one-clients address=10.10.0.9 comment={mark[1]}"
    known = "[find list=darban-one-clients address=10.10.0.9]"
    assert lines[1] == f":do {{ {add} }} on-error={{ set {known} comment={mark[1]} }}"
    assert lines[3] == f"remove [find list=darban-one-clients comment!={mark[1]}]"
    assert lines[4] == "/ipv6 firewall address-list"
    assert "address=2001:db8::/32" in lines[5]


def test_object_groups_have_masks() -> None:
    tables = vlan("office", "blocks", "10.11.0.0/16", "fd00:10::/64")
    assert files_of(feeds_of(tables)["one"])["one/clients.cisco.txt"] == [
        "object-group network DARBAN-ONE-CLIENTS",
        " 10.11.0.0 255.255.0.0",
        "object-group v6-network DARBAN-ONE-CLIENTS-V6",
        " fd00:10::/64",
    ]


PREFIXES = st.builds(
    lambda number, length: str(IPv4Network((number >> 32 - length << 32 - length, length))),
    st.integers(0x0A000000, 0x0A00003F),
    st.integers(26, 32),
)


@given(
    st.dictionaries(PREFIXES, st.sampled_from(["blocks", "counts", "one"]), min_size=1),
    st.dictionaries(PREFIXES, st.sampled_from(["one", "two", "one,two"])),
)
def test_each_address_is_in_a_list_where_its_view_blocks(
    vlans: dict[str, str], exempted: dict[str, str]
) -> None:
    tables = "".join(vlan(f"v{n}", policy, net) for n, (net, policy) in enumerate(vlans.items()))
    for number, (net, services) in enumerate(exempted.items()):
        tables += exemption(f"e{number}", services, prefixes=(net,))
    compiled = snapshot_of(POLICIES + tables, LISTS).compiled
    for feed in service_feeds(compiled, WALL):
        for last in range(0x0A000000 - 1, 0x0A000041):
            address = ip_address(last)
            listed = any(address in network for network in feed.clients.v4)
            assert listed == _is_blocked(compiled, feed.service, address.packed), address


def _is_blocked(compiled: CompiledConfig, service: str, address: bytes) -> bool:
    names = [service.name for service in compiled.services]
    view = Views(compiled, WALL).of(address)
    return view is not None and bool(view.effect.enforced >> names.index(service) & 1)
