"""What a policy blocks and why, for people."""

from typing import assert_never

from resolver.policy.clauses import Action
from resolver.policy.compiled import CompiledConfig
from resolver.policy.description import (
    DefaultEntry,
    PolicyDescription,
    RuleEntry,
    ServiceEntry,
    describe,
)
from tests.policy.networks import ALLOWING, CONFIG, COUNTING, snapshot_of

DIRECTIVE = "1595/الف/م"


def compiled(config: str = CONFIG) -> CompiledConfig:
    return snapshot_of(config).compiled


def administrative(config: str = CONFIG) -> PolicyDescription:
    return describe(compiled(config))[0]


def said(policy: PolicyDescription) -> list[tuple[object, ...]]:
    """What a policy does: to what, the directive behind it, and the hours."""
    found: list[tuple[object, ...]] = []
    for entry in policy.entries:
        match entry:
            case ServiceEntry(service=service, hours=hours):
                when = [str(hour) for hour in hours]
                found.append((entry.does, service.name, entry.ground.directive, *when))
            case RuleEntry(text=text):
                found.append((entry.does, text, entry.ground.directive))
            case DefaultEntry():
                found.append((entry.does, entry.ground.directive))
            case _:
                assert_never(entry)
    return found


def test_it_names_each_service_with_its_directive_and_each_rule_without() -> None:
    assert said(administrative()) == [
        (Action.BLOCK, "one", DIRECTIVE),
        (Action.BLOCK, "two", DIRECTIVE),
        (Action.BLOCK, "b.example", ""),
        (Action.BLOCK, "|c.example^", ""),
        (Action.PASS, "status.a.example", ""),
    ]


def test_a_policy_without_rules_does_nothing() -> None:
    _, publicity = describe(compiled())
    assert (publicity.entries, publicity.restricted) == ((), ())


def test_what_is_restricted_is_blocked_or_counted() -> None:
    audited = administrative(CONFIG.replace('directives = ["1595"]', 'mode = "audit"'))
    assert audited.mode == "audit"
    assert {service.does for service in audited.restricted} == {Action.COUNT}
    assert {service.does for service in administrative().restricted} == {Action.BLOCK}
    assert administrative().mode == "enforce"


def test_only_what_a_policy_blocks_can_be_exempted() -> None:
    exemptible = [
        [service.name for service in policy.exemptible] for policy in describe(compiled())
    ]
    assert exemptible == [["one"], []]


def test_a_default_that_blocks_is_last_and_rests_on_the_agencys_own_policy() -> None:
    found = administrative(ALLOWING)
    assert said(found) == [
        (Action.PASS, "one", DIRECTIVE),
        (Action.BLOCK, "two", DIRECTIVE),
        (Action.BLOCK, "b.example", ""),
        (Action.BLOCK, "|c.example^", ""),
        (Action.PASS, "status.a.example", ""),
        (Action.BLOCK, ""),
    ]
    assert (found.unlisted, administrative().unlisted) == (Action.BLOCK, Action.PASS)


def test_what_is_counted_differs_from_what_is_blocked() -> None:
    found = administrative(COUNTING)
    assert [row[:2] for row in said(found) if row[0] is not Action.PASS] == [
        (Action.BLOCK, "one"),
        (Action.COUNT, "two"),
        (Action.BLOCK, "b.example"),
        (Action.BLOCK, "|c.example^"),
    ]
    assert found.mode == "enforce"


def test_a_policy_that_counts_and_blocks_nothing_is_in_audit_mode() -> None:
    counts = CONFIG.replace("[policies.publicity]", '[policies.publicity]\ncount = ["one"]')
    assert [description.mode for description in describe(compiled(counts))] == ["enforce", "audit"]


def test_a_default_that_counts_is_described() -> None:
    counts = CONFIG.replace('allow = ["status', 'default = "count"\nallow = ["status')
    found = administrative(counts)
    assert (found.mode, found.unlisted) == ("enforce", Action.COUNT)
    audited = administrative(ALLOWING.replace('directives = ["1595"]', 'mode = "audit"'))
    assert (audited.mode, audited.unlisted) == ("audit", Action.COUNT)


def test_a_service_that_is_counted_and_blocked_at_some_hours_is_there_twice() -> None:
    hours = '[hours.office]\ndays = ["sat"]\nfrom = "07:30"\nto = "14:30"\n'
    during = 'count = ["two"]\nduring = [{ hours = "office", block = ["two"] }]'
    found = administrative(COUNTING.replace('count = ["two"]', during) + hours)
    of_two = [row for row in said(found) if row[1] == "two"]
    assert of_two == [
        (Action.BLOCK, "two", DIRECTIVE, "within office"),
        (Action.COUNT, "two", DIRECTIVE),
    ]
