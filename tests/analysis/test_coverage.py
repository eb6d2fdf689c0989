"""Expectations for every name of services: each hole is found, with its place; nothing else is."""

import json
import random

import pytest

from resolver.analysis.changed_classes import ChangedClasses
from resolver.analysis.explanation import Explainer
from resolver.analysis.name_classes import NameClasses
from resolver.analysis.name_groups import NameClass, NameGroup, NameGroups, class_order
from resolver.analysis.rules import compare_rules
from resolver.analysis.service_coverage import CoverageCheck, members
from resolver.dns import codes, names
from resolver.policy.compiled import CompiledConfig
from resolver.policy.index import Index
from resolver.policy.judge import Judge
from tests.analysis.obvious_policy import SERVICES
from tests.analysis.obvious_policy import random_policy as random_policy_of_lists
from tests.analysis.random_policies import (
    ALL_NAMES,
    EXPECT,
    HOURS,
    LISTS,
    WALL,
    config,
    failures,
    random_data,
    random_list,
    random_policy,
)
from tests.compiler.texts import compile_texts
from tests.config.tables import exemption, vlan

EXPECT_RADIO = EXPECT.replace("@messenger", "radio")


def line_of(text: str, part: str) -> int:
    return text[: text.index(part)].count("\n") + 1


def test_a_policy_that_blocks_all_of_it_holds() -> None:
    assert failures(config()) == []
    assert failures(config(more=exemption("pr", "chat", vlan="office"))) == []
    deny = 'block = ["@messenger"]\ndeny = ["other.example"]\nallow = ["far.example"]'
    assert failures(config(deny)) == []


def test_under_audit_it_expects_that_all_of_it_is_counted() -> None:
    audit = config('block = ["@messenger"]\nmode = "audit"')
    [found] = failures(audit)
    assert ": expected blocked, got would_block for " in found
    assert failures(audit.replace('outcome = "blocked"', 'outcome = "would_block"')) == []
    assert failures(config('count = ["@messenger"]').replace('"blocked"', '"would_block"')) == []


def test_what_is_to_be_counted_is_found_where_it_passes_or_is_blocked() -> None:
    for policy, got in (
        ('block = ["@messenger"]', "blocked"),
        ('count = ["@messenger"]\nallow = ["web.chat.example"]', "passed"),
    ):
        [found] = failures(config(policy).replace('outcome = "blocked"', 'outcome = "would_block"'))
        assert f": expected would_block, got {got} for " in found


def test_no_list_and_no_long_name_hides_a_hole() -> None:
    wildcard = '[[local]]\nname = "*.chat.example"\nrecords = ["A 10.0.0.9"]\n'
    hiding = {**LISTS, "talk": LISTS["talk"] + "@@||no-rule-has-this-label.chat.example^\n"}
    assert len(failures(config(more=wildcard), hiding)) == 1
    long = ".".join(["a" * 60] * 3 + ["b" * 30, "chat.example"])
    both = f'block = ["@messenger"]\nallow = ["{long}"]\ndeny = ["|{long}^"]'
    assert len(failures(config(both))) == 1


def test_a_special_use_name_is_no_hole() -> None:
    lists = {**LISTS, "talk": LISTS["talk"] + "||bar.local^\n||foo.onion^\n"}
    assert failures(config(), lists) == []


def test_hours_that_cover_the_week_leave_nothing_open() -> None:
    week = '["sat", "sun", "mon", "tue", "wed", "thu", "fri"]'
    hours = "".join(
        f'[hours.{name}]\ndays = {week}\nfrom = "{begin}"\nto = "{end}"\n'
        for name, begin, end in (("day", "08:00", "20:00"), ("night", "20:00", "08:00"))
    )
    day, night = (f'{{ hours = "{name}", block = ["@messenger"] }}' for name in ("day", "night"))
    assert failures(config(f"during = [{day}, {night}]", hours)) == []
    assert len(failures(config(f"during = [{day}]", hours))) == 1


def test_the_allow_of_a_vlan_is_found_also_by_the_policy_that_others_have() -> None:
    own = vlan("desk", "strict", "10.30.0.0/16", allow="far.example,web.chat.example")
    by_policy = config(more=own).replace('vlan = "office"\nservices', 'policy = "strict"\nservices')
    [found] = failures(by_policy)
    assert " on VLAN desk: expected blocked, got passed for web.chat.example (chat)" in found
    line = line_of(by_policy, '"web.chat.example"')
    assert f"allow of VLAN desk, at config.toml:{line} (vlans.desk.allow[1])" in found
    assert failures(config(more=own)) == [], "the expectation is for another VLAN"


NO_HOLES = {
    "a forwarded zone": ("", '[[forward]]\nzones = ["chat.example"]\nservers = ["10.0.0.10"]\n'),
    "an exception of another list of the service": ("", ""),
    "an exception that a longer rule ends": ("", EXPECT_RADIO),
    "a default that passes": ('default = "pass"\n', ""),
    "a default that counts": ('default = "count"\n', ""),
    "an allow beside the names": ('allow = ["x-chat.example", "chat.example.net"]\n', ""),
}


@pytest.mark.parametrize("means", NO_HOLES)
def test_what_opens_nothing_is_no_hole(means: str) -> None:
    policy, more = NO_HOLES[means]
    lists = {**LISTS, "chat.others": "@@||chat.example^\n||other.example^\n"}
    text = config(f'block = ["@messenger", "radio"]\n{policy}', more)
    assert failures(text, lists) == []
    explainer = Explainer(*_compiled(text, lists), WALL)
    view = explainer.vlan("office")
    assert view is not None
    for name in ("chat.example", "web.chat.example", "y.x.radio.example"):
        verdict, _ = explainer.verdict(view, names.parse(name), codes.A)
        assert verdict.outcome.label == "blocked", name


def _compiled(text: str, lists: dict[str, str]) -> tuple[CompiledConfig, Index]:
    snapshot = compile_texts(text, lists)
    return snapshot.compiled, snapshot.index()


HOLES = {
    "an allow of a host": (
        'block = ["@messenger"]\nallow = ["|web.chat.example^"]', "", "allow", "web.chat.example",
    ),
    "an allow of a parent": (
        'block = ["@messenger"]\nallow = ["example"]', "", "allow", "chat.example",
    ),
    "an allow of a CDN": (
        'block = ["@messenger"]\nallow = ["a-cdn.example"]', "", "allow", "chat.a-cdn.example",
    ),
    "a local alias": (
        'block = ["@messenger"]',
        '[[local]]\nname = "web.chat.example"\nrecords = ["CNAME www.example.net."]\n',
        "[[local]]", "web.chat.example",
    ),
    "a service of another category left out": (
        'block = ["@messenger"]', EXPECT_RADIO, "[policies.strict]", "radio.example",
    ),
    "a local record": (
        'block = ["@messenger"]',
        '[[local]]\nname = "web.chat.example"\nrecords = ["A 10.0.0.9"]\n',
        "[[local]]", "web.chat.example",
    ),
    "a local wildcard": (
        'block = ["@messenger"]',
        '[[local]]\nname = "*.web.chat.example"\nrecords = ["A 10.0.0.9"]\n',
        "[[local]]", "*.web.chat.example",
    ),
    "a service left out": ('block = ["chat"]', "", "[policies.strict]", "talk.example"),
    "a service counted": (
        'block = ["chat"]\ncount = ["talk"]', "", "[policies.strict]", "talk.example",
    ),
    "audit": ('block = ["@messenger"]\nmode = "audit"', "", "[policies.strict]", "chat.example"),
    "hours": (
        'block = ["chat"]\nduring = [{ hours = "office", block = ["talk"] }]', HOURS,
        "[policies.strict]", "talk.example",
    ),
    "a service that passes a default": (
        'default = "block"\nallow = ["cdn"]\nblock = ["@messenger"]', "", "[policies.strict]",
        "cdn.chat.example",
    ),
}  # fmt: skip


@pytest.mark.parametrize("hole", HOLES)
def test_a_hole_is_found_with_its_place(hole: str) -> None:
    policy, more, part, name = HOLES[hole]
    text = config(policy, more)
    [found] = failures(text)
    assert found.startswith(f"config.toml:{line_of(text, '[[expect]]')} (expect[0]): every name")
    assert f" for {name} (" in found
    assert f", at config.toml:{line_of(text, part)}" in found


def test_what_may_pass_is_named() -> None:
    text = config('block = ["@messenger"]\nallow = ["web.chat.example"]')
    assert len(failures(text)) == 1
    assert failures(text + 'except = ["web.chat.example"]\n') == []
    assert len(failures(text + 'except = ["|web.chat.example^"]\n')) == 1
    assert len(failures(text + 'except = ["www.web.chat.example"]\n')) == 1


def test_a_policy_without_clients_opens_nothing() -> None:
    text = config('block = ["chat"]').replace('vlan = "office"\nservices', 'policy = "x"\nservices')
    assert failures(text + "[policies.x]\nblock = []\n") == []


def correct_policy(source: random.Random) -> tuple[str, dict[str, str]]:
    """A config that blocks every name of its lists, and all that may be beside that."""
    policy = random_policy_of_lists(source)
    policy.does = dict.fromkeys(SERVICES, "block")
    policy.default = source.choice(["pass", "block", "count"])
    policy.allow = [(f"{name}.org", subtree) for name, subtree in policy.allow]
    policy.local = f"{policy.local}.org" if policy.local else ""
    expect = source.choice(['vlan = "office"', 'policy = "strict"'])
    lifted = exemption("pr", "one,two", vlan="office") if source.random() < 0.5 else ""
    services = f'services = {json.dumps(SERVICES)}\noutcome = "blocked"\n'
    return f"{policy.toml()}{HOURS}{lifted}[[expect]]\n{expect}\n{services}", policy.lists


@pytest.mark.parametrize("seed", range(60))
def test_a_config_that_blocks_all_of_it_has_no_hole(seed: int) -> None:
    """A run of 1,000 has reported none."""
    assert failures(*correct_policy(random.Random(seed))) == []


@pytest.mark.parametrize("seed", range(60))
def test_every_question_is_in_a_class_whose_verdict_it_gets(seed: int) -> None:
    """Against all 120 names of three labels, judged one by one."""
    source = random.Random(seed)
    lists = {"one": random_list(source), "two": random_list(source)}
    text = config(random_policy(source), random_data(source))
    snapshot = compile_texts(text, lists)
    compiled, index = snapshot.compiled, snapshot.index()
    explainer, judge = Explainer(compiled, index, WALL), Judge(compiled, index)
    view = explainer.vlan("office")
    assert view is not None
    services = members(compiled, ["@messenger"])

    def is_covered(name: bytes) -> bool:
        return any(compiled.services[number].name in services for number in judge.covering(name))

    open_names = [
        name
        for name in ALL_NAMES
        if is_covered(name)
        and explainer.verdict(view, name, codes.A)[0].outcome.label != "blocked"
        and not explainer.is_special_use(view, name, codes.A)
    ]
    found = CoverageCheck(explainer, NameClasses(compiled, index)).holes(view, services, [])
    assert (found is not None) >= bool(open_names)
    if found is not None:
        name = found.shortest.of_class.name
        assert is_covered(name)
        assert explainer.verdict(view, name, codes.A)[0].outcome.label != "blocked"
        assert all(len(found.shortest.of_class.point) <= len(octets) for octets in open_names)


def test_a_class_stands_for_all_that_the_same_services_cover() -> None:
    snapshot = compile_texts(config(), LISTS)
    groups = NameClasses(snapshot.compiled, snapshot.index()).groups.by_covering
    counted = {" ".join(covering): group.count for covering, group in groups.items()}
    assert counted == {"chat": 6, "talk": 2, "radio": 3, "cdn chat": 2, "": 9}


@pytest.mark.parametrize("seed", range(40))
def test_the_groups_after_a_change_are_those_from_nothing(seed: int) -> None:
    source = random.Random(seed)
    texts = [random_list(source) for _ in range(3)]
    before, after = (
        compile_texts(config(), dict(zip(("one", "two"), group, strict=True)))
        for group in (texts[:2], texts[1:] if seed % 2 else [texts[0], texts[2]])
    )
    sides = [NameClasses(snapshot.compiled, snapshot.index()) for snapshot in (before, after)]
    rules = compare_rules(*((side.compiled, side.index) for side in sides))
    known = NameGroups.of_octets(sides[0].groups.to_octets())
    changed = ChangedClasses(sides[0], sides[1], rules.names).groups(known)
    assert changed is not None
    assert _plain(changed) == _plain(sides[1].all_groups())


def _plain(groups: NameGroups) -> object:
    return {covering: group.plain() for covering, group in groups.by_covering.items()}


def test_a_group_keeps_the_shortest_of_its_classes() -> None:
    group, points = (
        NameGroup(),
        [names.parse(f"{'a' * (1 + at * 7 % 60)}.b{at}") for at in range(300)],
    )
    for point in points:
        group.add(point, is_below=False)
    group.settle()
    shortest = sorted((NameClass(point, False) for point in points), key=class_order)
    assert group.shortest == shortest[:64]
    for gone in shortest[:50]:
        group.remove(*gone)
    assert (group.count, group.is_short) == (250, True)
    group.add(names.parse("far-longer-than-all-that-are-kept.example"), is_below=False)
    group.settle()
    assert group.shortest == shortest[50:64]
