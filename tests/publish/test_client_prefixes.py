"""Exemptions by prefix: expressed where nothing else is blocked, else reported."""

from ipaddress import IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.policy.prefixes import network_of, packed
from resolver.publish.client_prefixes import address_trigger, passing_prefixes
from tests.policy.networks import snapshot_of

WALL = 1.8e9
_SPARSE = st.lists(st.sampled_from([b"\0\0", b"\xff\xff", b"\0\1"]), min_size=8, max_size=8).map(
    b"".join
)
"""Addresses with runs of zeros, and those with IPv4 inside."""
LISTS = {
    "one": "! Category: messenger\n||one.example^\n",
    "two": "! Category: messenger\n||two.example^\n",
}
VLANS = """
[policies.administrative]
block = ["@messenger"]

[policies.denying]
block = ["one"]
deny = ["own.example"]

[policies.audited]
block = ["@messenger"]
mode = "audit"

[vlans.wide]
prefixes = ["10.0.0.0/8", "fd00::/16"]
policy = "administrative"

[vlans.inner]
prefixes = ["10.1.0.0/16"]
policy = "denying"

[vlans.audited]
prefixes = ["10.2.0.0/16"]
policy = "audited"
"""


def exemption(name: str, prefixes: list[str], services: list[str], **more: str) -> str:
    return "\n[[exemptions]]\n" + "\n".join(
        [
            f'id = "{name}"',
            f"prefixes = {prefixes}" if prefixes else f'vlan = "{more["vlan"]}"',
            f"services = {services}",
            "until = 2027-03-20T23:59:59+03:30",
            'approver = "Head of PR"',
            'ticket = "PR-1"',
        ]
    )


def expressed(*exemptions: str) -> tuple[dict[str, list[str]], list[str]]:
    """The passing prefixes by VLAN, and the gaps."""
    compiled = snapshot_of(VLANS + "".join(exemptions), LISTS).compiled
    passing, gaps = passing_prefixes(compiled, WALL)
    by_vlan = {
        compiled.vlans[vlan].name: [*map(str, map(network_of, passing[vlan]))] for vlan in passing
    }
    return by_vlan, [f"{gap.vlan} {gap.prefix} {gap.still_blocked}" for gap in gaps]


@pytest.mark.parametrize(
    ("exemptions", "passing", "gaps"),
    [
        ([("pr", ["10.5.0.0/24"], ["@messenger"])], {"wide": ["10.5.0.0/24"]}, []),
        ([("pr", ["10.5.0.0/24"], ["one"])], {}, ["wide 10.5.0.0/24 1"]),
        # two exemptions together permit everything, where both hold
        (
            [("pr", ["10.5.0.0/16"], ["one"]), ("more", ["10.5.1.0/24"], ["two"])],
            {"wide": ["10.5.1.0/24"]},
            ["wide 10.5.0.0/16 1"],
        ),
        # a client belongs to the VLAN of the longest prefix; a name of its own stays blocked there
        ([("pr", ["10.1.2.0/24"], ["one"])], {}, ["inner 10.1.2.0/24 1"]),
        # a prefix around VLANs: each has its part
        (
            [("pr", ["10.0.0.0/7"], ["@messenger"])],
            {"wide": ["10.0.0.0/8"]},
            ["inner 10.1.0.0/16 1"],
        ),
        # nothing is blocked there, or not that service
        ([("pr", ["10.2.3.0/24"], ["one"])], {}, []),
        ([("pr", ["10.1.2.0/24"], ["two"])], {}, []),
        ([("pr", ["192.0.2.0/24"], ["two"])], {}, []),
        ([("pr", ["fd00:1::/64"], ["one", "two"])], {"wide": ["fd00:1::/64"]}, []),
    ],
)
def test_a_prefix_passes_where_nothing_else_is_blocked(
    exemptions: list[tuple[str, list[str], list[str]]],
    passing: dict[str, list[str]],
    gaps: list[str],
) -> None:
    assert expressed(*(exemption(*row) for row in exemptions)) == (passing, gaps)


def test_an_exemption_of_the_whole_vlan_counts() -> None:
    whole = exemption("vlan", [], ["one"], vlan="wide")
    assert expressed(whole, exemption("pr", ["10.5.0.0/24"], ["two"])) == (
        {"wide": ["10.5.0.0/24"]},
        [],
    )
    assert expressed(whole, exemption("pr", ["10.5.0.0/24"], ["one"])) == ({}, [])


def test_an_exemption_that_has_ended_is_neither_expressed_nor_a_gap() -> None:
    compiled = snapshot_of(VLANS + exemption("pr", ["10.5.0.0/24"], ["one"]), LISTS).compiled
    assert passing_prefixes(compiled, 2e9) == ({}, [])


@pytest.mark.parametrize(
    ("address", "length", "owner"),
    [
        ("127.0.20.0", 24, "24.0.20.0.127.rpz-client-ip"),
        ("fd00:10::", 64, "64.zz.10.fd00.rpz-client-ip"),
        ("fd00::37", 128, "128.37.zz.fd00.rpz-client-ip"),
        ("2001:db8:1:2:3:4:5:6", 128, "128.6.5.4.3.2.1.db8.2001.rpz-client-ip"),
        ("::", 0, "0.zz.rpz-client-ip"),
    ],
)
def test_a_client_trigger_is_written_as_the_draft_says(
    address: str, length: int, owner: str
) -> None:
    assert address_trigger(packed(address), length, "rpz-client-ip") == owner


@given(octets=st.binary(min_size=4, max_size=4) | st.binary(min_size=16, max_size=16) | _SPARSE)
def test_a_trigger_is_read_as_what_was_written(octets: bytes) -> None:
    length, *parts, kind = address_trigger(octets, 32, "rpz-ip").split(".")
    assert (length, kind) == ("32", "rpz-ip")
    parts.reverse()
    if len(octets) == 4:
        assert bytes(map(int, parts)) == octets
    else:
        text = ":".join("" if part == "zz" else part for part in parts)
        text = f":{text}" if parts[0] == "zz" else text
        text = f"{text}:" if parts[-1] == "zz" else text
        assert IPv6Address("::" if parts == ["zz"] else text).packed == octets
