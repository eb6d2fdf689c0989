"""The zones of a VLAN, looked up as other resolvers do, give each name this server's reply."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from resolver.dns import names
from resolver.policy.index import Index
from resolver.policy.verdict import BLOCKED
from resolver.policy.view import View, Views
from resolver.publish.policy_zones import (
    NODATA,
    NXDOMAIN,
    PASSTHRU,
    PolicyZones,
    ZoneAction,
    ZoneRule,
    policy_zones,
)
from resolver.snapshot.snapshot import Snapshot
from tests.config.tables import FAR, exemption, vlan
from tests.policy.networks import judge, snapshot_of
from tests.publish.zone_lookup import ZoneLookup, decide

WALL = 1.8e9
"""A Friday, 11:30 in Tehran."""
LATER = WALL + 6 * 3600
"""Then the hours of the policies have ended."""
SINKHOLE = ZoneAction("", (bytes(4), bytes(16)))
_TABLES = (
    vlan("few", "few", "10.17.0.0/16")
    + vlan("few-exempted", "few", "10.18.0.0/16")
    + vlan("administration", "administrative", "10.10.0.0/16")
    + vlan("exempted", "administrative", "10.11.0.0/16")
    + vlan("same", "same", "10.12.0.0/16")
    + vlan("audited", "audited", "10.13.0.0/16")
    + vlan("open", "open", "10.14.0.0/16")
    + vlan("hourly", "hourly", "10.15.0.0/16")
    + vlan("exempted-by-hours", "hourly", "10.16.0.0/16")
    + vlan("counting", "counting", "10.19.0.0/16")
    + vlan("counting-exempted", "counting", "10.20.0.0/16")
    + vlan("counting-rest", "counting-rest", "10.21.0.0/16")
    + vlan("own", "administrative", "10.22.0.0/16", allow="c.b.example", deny="free.example")
    + vlan("own-few", "few", "10.23.0.0/16", allow="|a.example^", deny="|one.b.example^,y.agency")
    + vlan("own-open", "open", "10.24.0.0/16", allow="x.b.example", deny="b.example")
    + exemption("few", "one", vlan="few-exempted")
    + exemption("trial", "one", vlan="counting-exempted")
    + exemption("pr", "one", vlan="exempted")
    + exemption("friday", "one", vlan="exempted-by-hours", hours="friday", until=FAR)
)
POLICIES = """
[policies.administrative]
block = ["@messenger", "canaries"]
allow = ["allowed.a.example", "|one.b.example^", "free.example", "x.x.d.d.d.example"]
deny = ["c.b.example", "|deny.free.example^"]
answer = "{answer}"

[policies.same]
block = ["canaries", "@messenger"]
answer = "{answer}"
contact = "noc@agency.example"

[policies.audited]
block = ["@messenger"]
mode = "audit"

[policies.open]

[policies.hourly]
block = ["canaries"]
allow = ["allowed.a.example"]
during = [
  {{ hours = "friday", block = ["one"] }},
  {{ outside = "friday", block = ["two"] }},
]
answer = "{answer}"

[hours.friday]
days = ["fri"]
from = "07:30"
to = "14:30"

[policies.few]
default = "block"
allow = ["two", "|one.b.example^", "free.example", "allowed.a.example"]
deny = ["c.b.example", "|deny.free.example^"]
answer = "{answer}"

[policies.counting]
block = ["one", "canaries"]
count = ["two"]
deny = ["c.b.example"]
answer = "{answer}"

[policies.counting-rest]
block = ["one"]
allow = ["two", "free.example"]
default = "count"
answer = "{answer}"

[[forward]]
zones = ["agency", "d.x.a.example", "x.d.b.example"]
servers = ["10.0.0.10"]

[[local]]
name = "here.b.example"
records = ["A 10.0.0.30"]

[[local]]
name = "here.com"
records = ["A 10.0.0.31"]
"""
LISTS = {
    "one": "! Category: messenger\n||a.example^\n||b.example^\n@@||x.a.example^\n|d.example^\n"
    "@@|y.a.example^\n||c.b.a.example^\n",
    "two": "! Category: messenger\n||b.a.example^\n||x.c.b.example^\n||y.x.a.example^\n"
    "|b.b.example^\n||d.d.d.example^\n@@|x.y.b.example^\n",
    "canaries": "! Category: encrypted-dns\n! Answer: nxdomain\n|canary.example^\n||d.b.example^\n",
}
LABELS = st.sampled_from([*"abcdxy", "allowed", "one", "free", "deny", "here", "canary", r"x\001a"])
TOPS = st.sampled_from([*["example"] * 5, "agency", "internal", "10.in-addr.arpa", "arpa", "com"])
NAMES = st.builds(
    lambda first, labels, top: names.parse(".".join([*first, *labels, top])),
    st.sampled_from(["", "*"]),
    st.lists(LABELS, max_size=4),
    TOPS,
)
"""A label ``*`` comes first only: no wildcard covers a name below it (RFC 4592)."""


def built(answer: str = "sinkhole") -> tuple[Snapshot, PolicyZones]:
    snapshot = snapshot_of(POLICIES.format(answer=answer) + _TABLES, LISTS)
    return snapshot, zones_at(snapshot, WALL)


def zones_at(snapshot: Snapshot, wall: float) -> PolicyZones:
    return policy_zones(snapshot.compiled, Index(snapshot.trie, snapshot.rules), wall)


BUILT = {answer: built(answer) for answer in ("sinkhole", "nxdomain", "nodata")}


def rules_of(snapshot: Snapshot, zones: PolicyZones, vlan: int) -> list[tuple[ZoneRule, ...]]:
    """The zones of a VLAN in their order."""
    policy = snapshot.compiled.policies[snapshot.compiled.vlans[vlan].policy].name
    block_set = next(zone for zone in zones.block_sets if zone.owner == policy)
    return [tuple(zones.vlans[vlan].rules()), tuple(block_set.rules())]


VLANS = [*((vlan, WALL) for vlan in range(15)), (7, LATER), (8, LATER)]
"""Each VLAN, those whose policy has hours within and outside of these."""
LOOKUPS = {
    (answer, vlan, wall): [
        ZoneLookup(rules) for rules in rules_of(snapshot, zones_at(snapshot, wall), vlan)
    ]
    for answer, (snapshot, _) in BUILT.items()
    for vlan, wall in VLANS
}

VIEWS = {
    answer: [Views(snapshot.compiled, wall).of_vlan(vlan) for vlan, wall in VLANS]
    for answer, (snapshot, _) in BUILT.items()
}


def reply(snapshot: Snapshot, view: View, name: bytes) -> ZoneAction:
    """What this server replies."""
    verdict = judge(snapshot).check_query(view, name)
    if verdict.outcome is not BLOCKED:
        return PASSTHRU
    canary = verdict.service >= 0 and snapshot.compiled.services[verdict.service].always_nxdomain
    answer = "nxdomain" if canary else view.effect.policy.answer
    if answer == "sinkhole":
        return SINKHOLE
    return NXDOMAIN if answer == "nxdomain" and verdict.all_below else NODATA


@pytest.mark.parametrize("answer", BUILT)
@given(name=NAMES)
@settings(max_examples=5 * settings().max_examples)
@example(name=names.parse("y.b.example")).via("no rule is for it, and one excepts x.y.b.example")
@example(name=names.parse("c.b.example")).via("one policy allows x.c.b.example, another does not")
@example(name=names.parse("x.d.d.d.example")).via("no rule is for it, and one allows a name below")
@example(name=names.parse("d.d.d.example")).via("a list blocks it, and allow has a name below it")
def test_the_zones_give_the_reply_of_this_server(answer: str, name: bytes) -> None:
    snapshot, _ = BUILT[answer]
    for at, view in zip(VLANS, VIEWS[answer], strict=True):
        assert decide(LOOKUPS[answer, *at], name) == reply(snapshot, view, name), at


def test_every_policy_has_a_block_set_whatever_it_blocks() -> None:
    """So a change of lists, or of the mode, changes no name of a zone."""
    _, zones = BUILT["sinkhole"]
    rules = {zone.owner: tuple(zone.rules()) for zone in zones.block_sets}
    assert list(rules)[:4] == ["administrative", "same", "audited", "open"]
    assert len(rules) == len(zones.block_sets) == 8, "one, also where VLANs have own rules"
    assert rules["administrative"] == rules["same"] != ()
    assert rules["audited"] == rules["open"] == ()
    empty = [zone.owner for zone in zones.vlans if not tuple(zone.rules())]
    assert empty == ["same", "audited", "open", "counting"]


def changed(wall: float) -> list[str]:
    """The owners of the zones that have other rules at another moment."""
    snapshot, now = BUILT["sinkhole"]
    then = zones_at(snapshot, wall)
    pairs = zip([*then.block_sets, *then.vlans], [*now.block_sets, *now.vlans], strict=True)
    return [a.owner for a, b in pairs if tuple(a.rules()) != tuple(b.rules())]


def test_an_exemption_changes_only_the_override_zone_of_its_vlan() -> None:
    later = WALL + 10 * 7 * 86_400
    exempted = ["few-exempted", "exempted", "counting-exempted"]
    assert changed(later) == exempted, "a Friday after their end"


def test_hours_change_the_block_set_of_their_policy_and_the_vlan_of_their_exemption() -> None:
    assert changed(LATER) == ["hourly", "exempted-by-hours"]


def test_a_name_that_exists_has_a_rule_for_what_is_below_it() -> None:
    """The rule that shadows is the exception here, and x.y.b.example's parent, which has none."""
    _, zones = BUILT["sinkhole"]
    rules = {names.text(rule.owner): rule.action for rule in zones.block_sets[0].rules()}
    assert rules["y.a.example"] == PASSTHRU
    assert rules["*.y.a.example"] == SINKHOLE
    assert rules["*.x.a.example"] == PASSTHRU
    assert "www.a.example" not in rules


def test_a_default_is_a_rule_at_the_top_before_which_passes_what_allow_has() -> None:
    _, zones = BUILT["sinkhole"]
    first, *rules = next(zone.rules() for zone in zones.block_sets if zone.owner == "few")
    assert first == ZoneRule(names.WILDCARD + names.ROOT, SINKHOLE)
    passing = {names.text(rule.owner) for rule in rules if rule.action == PASSTHRU}
    assert passing >= {"*.b.a.example", "*.agency", "here.com", "*.10.in-addr.arpa"}
    assert passing >= {"*.internal", "localhost"}
    assert passing & {"*", "a.example", "y.a.example", "*.example", "*.arpa"} == set()


def test_rules_that_change_nothing_are_not_written() -> None:
    _, zones = BUILT["sinkhole"]
    owners = {names.text(rule.owner) for rule in zones.block_sets[0].rules()}
    assert owners & {"c.b.a.example", "b.b.example", "example", "*.d.example"} == set()


def test_an_allowed_name_has_a_rule_though_no_list_blocks_it() -> None:
    """It may be an alias to a blocked name, and Darban lets that pass."""
    _, zones = BUILT["sinkhole"]
    assert ZoneRule(names.parse("free.example"), PASSTHRU) in zones.vlans[0].rules()
