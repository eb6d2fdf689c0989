"""What a policy blocks and why, for people."""

from resolver.policy.clauses import Does
from resolver.policy.compiled import CompiledConfig
from resolver.policy.description import PolicyDescription, describe
from tests.policy.networks import ALLOWING, CONFIG, COUNTING, snapshot_of

DIRECTIVE = "1595/الف/م"


def compiled(config: str = CONFIG) -> CompiledConfig:
    return snapshot_of(config).compiled


def administrative(config: str = CONFIG) -> PolicyDescription:
    return describe(compiled(config))[0]


def test_it_names_each_service_with_its_directive_and_each_denied_name_without() -> None:
    blocks = [(e.text, e.ground.directive, e.names) for e in administrative().blocked]
    assert blocks == [
        ("one", DIRECTIVE, 2),
        ("two", DIRECTIVE, 2),
        ("b.example", "", 1),
        ("|c.example^", "", 1),
    ]


def test_services_and_own_rules_are_told_apart() -> None:
    found = administrative()
    assert [each.name for _, each in found.on_services] == ["one", "two"]
    assert found.denied == ("b.example", "|c.example^")
    assert found.allowed == ("status.a.example",)


def test_a_policy_without_rules_blocks_nothing() -> None:
    _, publicity = describe(compiled())
    assert (publicity.entries, publicity.on_services, publicity.denied) == ((), (), ())
    assert publicity.imposing_directive is None


def test_a_directive_imposes_what_it_is_behind_alone() -> None:
    ground = administrative().imposing_directive
    assert ground is not None
    assert ground.directive == DIRECTIVE
    half = administrative(CONFIG.replace('covers = ["@messenger"]', 'covers = ["one"]'))
    assert half.imposing_directive is None


def test_what_is_caught_is_blocked_or_would_be() -> None:
    audited = administrative(CONFIG.replace('directives = ["1595"]', 'mode = "audit"'))
    assert (audited.mode, audited.blocked) == ("audit", ())
    assert {each.does for each in audited.restricted} == {Does.COUNT}
    assert {each.does for each in administrative().restricted} == {Does.BLOCK}
    assert administrative().mode == "enforce"


def test_only_what_a_policy_blocks_can_be_exempted() -> None:
    exemptible = [[each.name for each in policy.exemptible] for policy in describe(compiled())]
    assert exemptible == [["one"], []]


def test_a_default_that_blocks_is_the_last_block_and_rests_on_the_agencys_own_policy() -> None:
    found = administrative(ALLOWING)
    last = found.blocked[-1]
    assert (last.text, last.ground.directive, last.names, last.service) == (
        "", "", 0, None,
    )  # fmt: skip
    assert [each.name for _, each in found.on_services] == ["two"]
    assert found.denied == ("b.example", "|c.example^")
    assert found.allowed == ("status.a.example",)
    assert [each.name for each in found.open_services] == ["one"]
    assert (found.default, administrative().default) == ("block", "pass")


def test_what_is_counted_is_told_from_what_is_blocked() -> None:
    found = administrative(COUNTING)
    assert [(each.text, each.does) for each in found.restricted] == [
        ("one", Does.BLOCK),
        ("two", Does.COUNT),
        ("b.example", Does.BLOCK),
        ("|c.example^", Does.BLOCK),
    ]
    assert [each.text for each in found.blocked] == ["one", "b.example", "|c.example^"]
    assert (found.mode, found.default) == ("enforce", "pass")


def test_a_policy_that_counts_and_blocks_nothing_is_in_audit_mode() -> None:
    counts = CONFIG.replace("[policies.publicity]", '[policies.publicity]\ncount = ["one"]')
    assert [each.mode for each in describe(compiled(counts))] == ["enforce", "audit"]


def test_a_default_that_counts_is_told() -> None:
    counts = CONFIG.replace('allow = ["status', 'default = "count"\nallow = ["status')
    found = administrative(counts)
    assert (found.mode, found.default, found.unlisted) == ("enforce", "count", Does.COUNT)
    audited = administrative(ALLOWING.replace('directives = ["1595"]', 'mode = "audit"'))
    assert (audited.mode, audited.default, audited.unlisted) == ("audit", "block", Does.COUNT)


def test_a_service_that_is_counted_and_blocked_at_some_hours_is_told_twice() -> None:
    hours = '[hours.office]\ndays = ["sat"]\nfrom = "07:30"\nto = "14:30"\n'
    during = 'count = ["two"]\nduring = [{ hours = "office", block = ["two"] }]'
    found = administrative(COUNTING.replace('count = ["two"]', during) + hours)
    told = [(each.does, [*map(str, each.hours)]) for each in found.restricted if each.text == "two"]
    assert told == [(Does.BLOCK, ["within office"]), (Does.COUNT, [])]
