"""A policy that extends another one is the policy that is written out."""

import copy
import json
import random
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from resolver.compiler.policy import compile_snapshot
from resolver.config.problems import Problem
from resolver.lists.adblock import AdblockReader
from resolver.snapshot.snapshot import Snapshot
from tests.config.files_in_memory import load_text

Policy = dict[str, Any]

CATEGORIES = {
    "messenger": ["telegram", "viber", "line"],
    "game": ["chess", "go"],
    "updates": ["debian", "ubuntu"],
}
LISTS = [
    AdblockReader.read(f"! Category: {category}\n||{name}.example^\n", name, f"{name}.txt")
    for category, names in CATEGORIES.items()
    for name in names
]
SERVICES = [name for names in CATEGORIES.values() for name in names]
REFERENCES = [*SERVICES, *(f"@{category}" for category in CATEGORIES)]
NAMES = ["a.example", "b.example", "c.example", "||d.example^"]
REFUSED = {'none where default is "block"'}
"""What a policy inherits at some hours is in the way of this, even if ``except`` takes it out."""
ADDED = ("block", "count", "during", "deny", "allow", "directives")
BEGIN = """
[directives.one]
number = "1"
date = 2015-02-18
covers = ["@messenger"]
[directives.two]
number = "2"
date = 2017-03-11
[hours.office]
days = ["sat"]
from = "07:30"
to = "14:30"
"""


def _toml(value: object) -> str:
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{key} = {_toml(inner)}' for key, inner in value.items())} }}"
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    return json.dumps(value)


def _config(policies: Mapping[str, Policy]) -> str:
    lines = [BEGIN]
    for place, (name, policy) in enumerate(policies.items()):
        lines.append(f"[policies.{name}]")
        lines += [f"{key} = {_toml(value)}" for key, value in policy.items()]
        lines += [f"[vlans.{name}]", f'prefixes = ["10.{place}.0.0/16"]', f'policy = "{name}"']
    return "\n".join(lines)


def _compiled(text: str) -> tuple[Snapshot, list[Problem]]:
    loaded = load_text(text)
    snapshot, problems = compile_snapshot(loaded, LISTS)
    found = [*loaded.problems, *problems]
    return snapshot, [problem for problem in found if problem.severity == "error"]


def _errors(*policies: str) -> list[str]:
    """The errors of a config of policies, of which the first is that of a VLAN."""
    vlan = '[vlans.v]\nprefixes = ["10.0.0.0/8"]\npolicy = "base"\n'
    return [str(problem) for problem in _compiled("\n".join([*policies, vlan]))[1]]


# The same, written out by another program


def _services(references: list[str]) -> list[str]:
    return [
        name
        for reference in references
        for name in (CATEGORIES[reference[1:]] if reference.startswith("@") else [reference])
    ]


def _without(references: list[str], exceptions: list[str]) -> list[str]:
    """References without services; a category that loses one is written as the others."""
    gone = set(_services(exceptions))
    left: list[str] = []
    for reference in references:
        names = _services([reference])
        left += [name for name in names if name not in gone] if gone & {*names} else [reference]
    return left


def _written_out(policies: Mapping[str, Policy], name: str) -> Policy:
    child = copy.deepcopy(policies[name])
    base = child.pop("extends", None)
    if base is None:
        return child
    inherited = _written_out(policies, base)
    inherited.pop("title", None)
    exceptions = child.pop("except", [])
    for part in [inherited, *inherited.get("during", [])]:
        for key in ("block", "count"):
            if key in part:
                part[key] = _without(part[key], exceptions)
    parts = [part for part in inherited.get("during", []) if part.get("block") or part.get("count")]
    if "during" in inherited:
        inherited["during"] = parts
    for key, value in child.items():
        present = inherited.get(key, []) if key in ADDED else None
        if present is None:
            inherited[key] = value
        elif key in ("block", "count", "during"):
            inherited[key] = [*present, *value]
        else:
            inherited[key] = [*present, *(entry for entry in value if entry not in present)]
    return inherited


def _some(of: random.Random, values: list[str], most: int) -> list[str]:
    return of.sample(values, of.randint(0, most))


def _policy(of: random.Random) -> Policy:
    policy: Policy = {}
    values: dict[str, Iterator[Any]] = {
        "title": iter([of.choice(["Finance", "Guests"])]),
        "block": iter([_some(of, REFERENCES, 3)]),
        "count": iter([_some(of, REFERENCES, 1)]),
        "allow": iter([_some(of, NAMES, 2)]),
        "deny": iter([_some(of, NAMES, 2)]),
        "answer": iter([of.choice(["nxdomain", "nodata", "sinkhole"])]),
        "sinkhole": iter([["192.0.2.1"]]),
        "mode": iter([of.choice(["audit", "enforce"])]),
        "contact": iter([of.choice(["noc", "desk"])]),
        "directives": iter([_some(of, ["one", "two"], 2)]),
        "default": iter([of.choice(["pass", "pass", "count", "block"])]),
    }
    for key, (value,) in ((key, tuple(value)) for key, value in values.items()):
        if of.random() < 0.4:
            policy[key] = value
    if of.random() < 0.3:
        within = of.choice(["hours", "outside"])
        block, count = _some(of, REFERENCES, 2), _some(of, REFERENCES, 1)
        if block or count:
            policy["during"] = [{within: "office", "block": block, "count": count}]
    return policy


def _policies(of: random.Random) -> dict[str, Policy]:
    """Some policies, in any order; most extend one of them."""
    names = [f"p{place}" for place in range(of.randint(2, 5))]
    policies = {name: _policy(of) for name in names}
    for place, name in enumerate(names[1:]):
        if of.random() < 0.8:
            base = of.choice(names[: place + 1])
            policies[name]["extends"] = base
            if of.random() < 0.5:
                policies[name]["except"] = _exceptions(of, _written_out(policies, base))
    of.shuffle(names)
    return {name: policies[name] for name in names}


def _exceptions(of: random.Random, base: Policy) -> list[str]:
    """Services that a policy has, and categories of these."""
    parts = [base, *base.get("during", [])]
    listed = [name for part in parts for key in ("block", "count") for name in part.get(key, [])]
    return of.sample(listed, min(len(listed), of.randint(0, 2)))


@pytest.mark.parametrize("first", range(0, 1000, 100))
def test_random_policies_are_those_that_are_written_out(first: int) -> None:
    good = 0
    for seed in range(first, first + 100):
        policies = _policies(random.Random(seed))
        written_out = {name: _written_out(policies, name) for name in policies}
        snapshot, errors = _compiled(_config(policies))
        expected, expected_errors = _compiled(_config(written_out))
        assert snapshot.compiled == expected.compiled, seed
        assert snapshot.hash() == expected.hash(), seed
        wanted = {problem.expected for problem in expected_errors}
        if any("except" in policy for policy in policies.values()):
            assert {problem.expected for problem in errors} - REFUSED == wanted - REFUSED, seed
        else:
            wanted_values = {(problem.found, problem.expected) for problem in expected_errors}
            assert {(problem.found, problem.expected) for problem in errors} == wanted_values, seed
        good += not errors
    assert 20 < good < 80, "both good and wrong configs are compared"


# What is wrong, with both places

BASE = '[policies.base]\nblock = ["@messenger"]\ncount = ["chess"]\ndeny = ["a.example"]'


def test_a_policy_that_says_the_opposite_of_what_it_inherits_is_told_both_places() -> None:
    assert _errors(BASE, '[policies.p]\nextends = "base"\ncount = ["viber"]') == [
        'config.toml:7: policies.p.count[0]: found "viber"; expected services that no key before '
        "it has: 'allow', 'block' or 'count'. A service of both is not counted: viber. It is also "
        "at config.toml:2 (policies.base.block[0]). 'except' takes a service out of what is "
        "inherited."
    ]
    assert _errors(BASE, '[policies.p]\nextends = "base"\nblock = ["chess"]') == [
        'config.toml:3: policies.base.count[0]: found "chess"; expected services that no key '
        "before it has: 'allow', 'block' or 'count'. A service of both is not counted: chess. It "
        "is also at config.toml:7 (policies.p.block[0]). 'except' takes a service out of what is "
        "inherited. Policy p inherits it."
    ]
    assert _errors(BASE, '[policies.p]\nextends = "base"\nallow = ["a.example"]') == [
        'config.toml:4: policies.base.deny[0]: found "a.example"; expected each name once. It is '
        "also at config.toml:7 (policies.p.allow[0]). Policy p inherits it."
    ]


def test_a_service_is_not_allowed_by_one_and_blocked_by_the_other() -> None:
    opens = '[policies.base]\ndefault = "block"\nallow = ["@updates", "chess"]'
    assert not _errors(opens, '[policies.p]\nextends = "base"\nblock = ["debian"]')
    assert _errors(opens, '[policies.p]\nextends = "base"\nblock = ["chess"]') == [
        'config.toml:3: policies.base.allow[1]: found "chess"; expected services that no key '
        "before it has: 'allow', 'block' or 'count'. A service of both is not open: chess. It is "
        "also at config.toml:6 (policies.p.block[0]). Policy p inherits it."
    ]
    assert _errors(opens, '[policies.p]\nextends = "base"\nblock = ["@game"]') == [
        'config.toml:3: policies.base.allow[1]: found "chess"; expected services that no key '
        "before it has: 'allow', 'block' or 'count'. A service of both is not open: chess. It is "
        "also at config.toml:6 (policies.p.block[0]). Policy p inherits it."
    ]
    closed = '[policies.base]\ndefault = "block"\nblock = ["viber"]'
    assert _errors(closed, '[policies.p]\nextends = "base"\nallow = ["@messenger"]') == [
        'config.toml:6: policies.p.allow[0]: found "@messenger"; expected services that no key '
        "before it has: 'allow', 'block' or 'count'. A service of both is not open: viber. It is "
        "also at config.toml:3 (policies.base.block[0]). 'except' takes a service out of what is "
        "inherited."
    ]


def test_an_exception_of_what_the_base_has_not_is_wrong() -> None:
    child = '[policies.p]\nextends = "base"\nexcept = ["telegram", "go", "telegrm"]'
    assert _errors(BASE, child) == [
        'config.toml:7: policies.p.except[2]: found "telegrm"; expected one of chess, debian, go, '
        'line, telegram, ubuntu, viber. Did you mean "telegram"?',
        'config.toml:7: policies.p.except[1]: found "go"; expected services that policy base '
        "blocks or counts",
    ]


def test_an_exception_opens_nothing_where_the_default_blocks() -> None:
    child = '[policies.p]\nextends = "base"\nexcept = ["telegram"]\ndefault = "block"'
    assert [error for error in _errors(BASE, child) if "except" in error] == [
        'config.toml:7: policies.p.except: found services; expected none where default is "block". '
        "All that 'allow' does not have is blocked: name the services there."
    ]


def test_what_an_heir_takes_out_twice_is_not_there_for_the_second() -> None:
    child = '[policies.p]\nextends = "base"\nexcept = ["telegram"]'
    heir = '[policies.q]\nextends = "p"\nexcept = ["telegram"]'
    assert _errors(BASE, child, heir) == [
        'config.toml:10: policies.q.except[0]: found "telegram"; expected services that policy p '
        "blocks or counts"
    ]


def test_a_mistake_that_is_inherited_is_one_mistake() -> None:
    wrong = '[policies.base]\nblock = ["telegrm"]\ndeny = ["b..example"]\ncontact = 5\n'
    heirs = "\n".join(f'[policies.p{place}]\nextends = "base"' for place in range(3))
    places = [error.partition(": found")[0] for error in _errors(heirs, wrong)]
    assert sorted(places) == [
        "config.toml:10: policies.base.contact",
        "config.toml:8: policies.base.block[0]",
        "config.toml:9: policies.base.deny[0]",
    ]
