"""What a change does to all names: against each name, judged one by one before and after."""

import random

import pytest

from resolver.analysis.explanation import Explainer
from resolver.analysis.name_changes import compare_names, moved_prefixes
from resolver.dns import codes, names
from tests.analysis.compared_configs import changes, side
from tests.analysis.random_policies import (
    ALL_NAMES,
    HOURS,
    LISTS,
    WALL,
    config,
    random_data,
    random_list,
    random_policy,
)
from tests.compiler.texts import compile_texts
from tests.config.tables import exemption, vlan

HALVED = config().replace("10.10.0.0/16", "10.10.0.0/17") + vlan("more", "none", "10.10.128.0/17")


def test_an_edit_that_changes_no_name_says_so() -> None:
    other = config('block = ["chat", "talk"]\ncontact = "noc@agency.example"')
    assert changes(config(), other) == []
    assert changes(config(), config(more=exemption("pr", "chat", vlan="office"))) == []


def test_an_allow_opens_a_name_and_what_is_below_it() -> None:
    [found] = changes(config(), config('block = ["@messenger"]\nallow = ["web.chat.example"]'))
    assert (found.how, found.service, found.old, found.new) == (
        *("looser", "chat", "blocked", "passed"),
    )
    assert (found.vlans, found.hours, found.classes) == (("office",), (), 2)
    assert found.examples == ("web.chat.example", "*.web.chat.example")


def test_a_rule_for_the_target_of_a_local_alias_decides_the_alias() -> None:
    alias = '[[local]]\nname = "here.example.org"\nrecords = ["CNAME www.example.net."]\n'
    denied = 'block = ["@messenger"]\ndeny = ["example.net"]'
    [found] = changes(config(more=alias), config(denied, alias))
    assert (found.how, found.classes) == ("stricter", 3)
    assert "here.example.org" in found.examples


def test_a_name_that_leaves_a_list_opens() -> None:
    lists = {**LISTS, "talk": "! Category: messenger\n||other.example^\n"}
    found = {(change.how, change.examples) for change in changes(config(), config(), lists)}
    assert found == {
        ("looser", ("talk.example", "*.talk.example")),
        ("stricter", ("other.example", "*.other.example")),
    }


def test_a_default_that_passes_again_opens_what_no_list_has() -> None:
    lists = {"chat": "! Category: messenger\n||chat.example^\n"}
    strict, loose = (
        side(compile_texts(config(f'block = ["@messenger"]\ndefault = "{default}"'), lists))
        for default in ("block", "pass")
    )
    found = compare_names(strict, loose, WALL)
    assert [(change.how, change.service, change.old, change.new) for change in found] == [
        ("looser", "", "blocked", "passed")
    ]


def test_prefixes_of_another_vlan_are_named() -> None:
    before, after = compile_texts(config(), LISTS), compile_texts(HALVED, LISTS)
    assert moved_prefixes(before.compiled, after.compiled) == [
        *("10.10.0.0/16", "10.10.0.0/17", "10.10.128.0/17"),
    ]
    assert moved_prefixes(before.compiled, before.compiled) == []


def test_another_sinkhole_or_canary_answers_otherwise() -> None:
    other = config('block = ["@messenger"]\nsinkhole = ["10.0.0.1"]')
    assert {change.how for change in changes(config(), other)} == {"otherwise"}
    canary = {**LISTS, "talk": "! Answer: nxdomain\n" + LISTS["talk"]}
    assert {(change.how, change.service) for change in changes(config(), config(), canary)} == {
        ("otherwise", "talk")
    }


def test_hours_and_counting_are_told_apart() -> None:
    hourly = 'block = ["chat"]\nduring = [{ hours = "office", block = ["talk"] }]'
    [found] = changes(config(more=HOURS), config(hourly, HOURS))
    assert (found.how, found.hours, found.service) == ("looser", ("no hours",), "talk")
    [counted] = changes(config(), config('block = ["chat"]\ncount = ["talk"]'))
    assert (counted.how, counted.new) == ("looser", "would_block")
    [otherwise] = changes(config(), config('block = ["@messenger"]\nanswer = "nxdomain"'))[:1]
    assert (otherwise.how, otherwise.old, otherwise.new) == ("otherwise", "blocked", "blocked")


@pytest.mark.parametrize("seed", range(40))
def test_each_name_that_changes_is_in_a_change(seed: int) -> None:
    source = random.Random(seed)
    sides = []
    for _ in range(2):
        lists = {"one": random_list(source), "two": random_list(source)}
        text = config(random_policy(source), random_data(source))
        sides.append(side(compile_texts(text, lists)))
    before, after = (Explainer(policy.compiled, policy.index, WALL) for policy in sides)
    found = compare_names(sides[0], sides[1], WALL)
    kinds = {
        (change.old, change.new, change.service) for change in found if "office" in change.vlans
    }
    for name in ALL_NAMES:
        old, new = (_reply(explainer, name) for explainer in (before, after))
        if old != new:
            assert (old[0], new[0], new[1] or old[1]) in kinds, names.text(name)


def _reply(explainer: Explainer, name: bytes) -> tuple[str, str]:
    view = explainer.vlan("office")
    assert view is not None
    verdict, _ = explainer.verdict(view, name, codes.A)
    outcome = verdict.outcome.label
    return outcome, explainer.service(verdict) if outcome != "passed" else ""
