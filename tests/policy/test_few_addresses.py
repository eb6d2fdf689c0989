"""VLANs in which an exemption holds few addresses."""

from ipaddress import ip_network
from pathlib import Path

import pytest

from resolver.compiler.compilation import compile_file
from resolver.policy.few_addresses import vlans_with_few_exempted
from resolver.policy.prefixes import host_capacity

CONFIG = """
[policies.administrative]
block = ["telegram"]
[vlans.office]
prefixes = ["10.10.0.0/16", "fd00:10::/64"]
policy = "administrative"
[vlans.desk]
prefixes = ["10.20.0.0/30"]
policy = "administrative"
[vlans.other]
prefixes = ["10.30.0.0/24"]
policy = "administrative"
[[exemptions]]
id = "pr-1"
services = ["telegram"]
until = 2027-03-20T12:00:00Z
approver = "Head"
ticket = "PR-1"
{}
[lists]
directories = ["lists"]
"""


@pytest.mark.parametrize(
    ("prefixes", "hosts"),
    [
        *((["10.0.0.1/32"], 1), (["10.0.0.0/30", "10.1.0.0/32"], 5), (["fd00::/64"], 1 << 64)),
        (["10.0.0.0/30", "fd00::/127"], 4),  # four hosts, of which two have both
        ([], 0),
    ],
)
def test_hosts_are_counted_by_the_larger_family(prefixes: list[str], hosts: int) -> None:
    assert host_capacity(map(ip_network, prefixes)) == hosts


@pytest.mark.parametrize(
    ("whom", "vlans"),
    [
        ('prefixes = ["10.10.3.7/32", "fd00:10::37/128"]', {"office"}),
        ('prefixes = ["10.10.3.0/24"]', set()),
        ('prefixes = ["10.0.0.0/8"]', {"desk"}),  # of which desk has four
        ('vlan = "desk"', {"desk"}),
        ('vlan = "office"', set()),
    ],
)
def test_a_vlan_is_found_by_what_the_exemption_holds_of_it(
    whom: str, vlans: set[str], tmp_path: Path
) -> None:
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "telegram.txt").write_text(
        "! Title: T\n! Category: messenger\n||telegram.example^\n"
    )
    path = tmp_path / "config.toml"
    path.write_text(CONFIG.replace("{}", whom))
    result = compile_file(path, 1.79e9)
    assert result.errors == []
    compiled = result.snapshot.compiled
    assert vlans_with_few_exempted(compiled, 5) == vlans
    assert vlans_with_few_exempted(compiled, 1) == set()
