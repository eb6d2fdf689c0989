"""Who belongs to which VLAN, and which view the clients of a prefix have."""

import ipaddress

from hypothesis import given
from hypothesis import strategies as st

from resolver.policy.compiled import CompiledConfig
from resolver.policy.prefixes import network_of, packed
from resolver.policy.settings import Endpoint, Publication
from resolver.policy.view import View, Views
from resolver.publish.client_views import views_by_prefix
from resolver.publish.resolver_vlans import ClientPrefix, resolver_vlans
from tests.policy.networks import snapshot_of

WALL = 1.8e9
PUBLICATION = Publication((Endpoint("10.0.0.54", 8053),), b"\x03rpz\x08internal\x00", "", ())
POLICIES = """
[policies.administrative]
block = ["one"]
[policies.open]
[vlans.wide]
prefixes = ["10.0.0.0/28", "10.0.0.64/26"]
policy = "administrative"
[vlans.inner]
prefixes = ["10.0.0.0/29", "10.0.0.8/31", "10.0.0.80/28"]
policy = "open"
[vlans.innermost]
prefixes = ["10.0.0.4/30", "10.0.0.84/30"]
policy = "administrative"
"""
EXEMPTION = """
[[exemptions]]
id = "{id}"
{whom}
services = ["one"]
until = {until}
approver = "Head of PR"
ticket = "PR-1"
"""
IN_FORCE, ENDED = "2027-03-20T23:59:59+03:30", "2026-03-20T23:59:59+03:30"
EXEMPTIONS = (
    ("pr", 'prefixes = ["10.0.0.0/30", "10.0.0.10/31", "10.0.0.64/27"]', IN_FORCE),
    ("all", 'prefixes = ["10.0.0.12/30", "10.0.0.0/24"]', IN_FORCE),
    ("vlan", 'vlan = "innermost"', IN_FORCE),
    ("ended", 'prefixes = ["10.0.0.72/29"]', ENDED),
)
LISTS = {"one": "! Category: messenger\n||one.example^\n"}
ADDRESSES = st.integers(0, 160).map(lambda last: f"10.0.0.{last}")


def compiled(*, exempted: bool) -> CompiledConfig:
    made = [EXEMPTION.format(id=i, whom=whom, until=until) for i, whom, until in EXEMPTIONS]
    return snapshot_of(POLICIES + "".join(made if exempted else []), LISTS).compiled


EXEMPTED, PLAIN = compiled(exempted=True), compiled(exempted=False)


def belongs(address: str, clients: tuple[ClientPrefix, ...]) -> bool:
    """As BIND decides: the first prefix that matches."""
    for client in clients:
        if ipaddress.ip_address(address) in ipaddress.ip_network(client.prefix):
            return client.belong
    return False


@given(ADDRESSES)
def test_a_client_is_in_the_vlan_with_the_longest_prefix(address: str) -> None:
    view = Views(PLAIN, WALL).of(packed(address))
    found = [e.name for e in resolver_vlans(PLAIN, PUBLICATION) if belongs(address, e.clients)]
    assert found == ([] if view is None else [PLAIN.vlans[view.vlan].name])


@given(ADDRESSES)
def test_a_client_has_the_view_of_its_longest_prefix(address: str) -> None:
    view, by_prefix = Views(EXEMPTED, WALL).of(packed(address)), views_by_prefix(EXEMPTED, WALL)
    around = [prefix for prefix in by_prefix if ipaddress.ip_address(address) in network_of(prefix)]
    found = by_prefix[max(around, key=lambda prefix: prefix.length)] if around else None
    assert _shown(found) == _shown(view)


def _shown(view: View | None) -> tuple[int, tuple[int, ...]] | None:
    return None if view is None else (view.vlan, view.effect.exemptions)
