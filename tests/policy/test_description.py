"""What a policy blocks and why, for people."""

from resolver.policy.compiled import CompiledConfig
from resolver.policy.description import PolicyDescription, describe
from resolver.policy.verdict import Outcome
from tests.policy.networks import ALLOWING, CONFIG, snapshot_of

DIRECTIVE = "1595/الف/م"


def compiled(config: str = CONFIG) -> CompiledConfig:
    return snapshot_of(config).compiled


def administrative(config: str = CONFIG) -> PolicyDescription:
    return describe(compiled(config))[0]


def test_it_names_each_service_with_its_directive_and_each_denied_name_without() -> None:
    blocks = [(e.text, e.ground.directive, e.names) for e in administrative().blocks]
    assert blocks == [
        ("one", DIRECTIVE, 2),
        ("two", DIRECTIVE, 2),
        ("b.example", "", 1),
        ("|c.example^", "", 1),
    ]


def test_services_and_own_rules_are_told_apart() -> None:
    found = administrative()
    assert [each.name for each in found.services] == ["one", "two"]
    assert found.denied == ("b.example", "|c.example^")
    assert found.allowed == ("status.a.example",)


def test_a_policy_without_rules_blocks_nothing() -> None:
    _, publicity = describe(compiled())
    assert (publicity.blocks, publicity.services, publicity.denied) == ((), [], ())
    assert publicity.imposing_directive is None


def test_a_directive_imposes_what_it_is_behind_alone() -> None:
    ground = administrative().imposing_directive
    assert ground is not None
    assert ground.directive == DIRECTIVE
    half = administrative(CONFIG.replace('covers = ["@messenger"]', 'covers = ["one"]'))
    assert half.imposing_directive is None


def test_what_is_caught_is_blocked_or_would_be() -> None:
    audited = administrative(CONFIG.replace('directives = ["1595"]', 'mode = "audit"'))
    assert (audited.mode, audited.block_outcome) == ("audit", Outcome.WOULD_BLOCK)
    assert (administrative().mode, administrative().block_outcome) == ("enforce", Outcome.BLOCKED)


def test_only_what_a_policy_blocks_can_be_exempted() -> None:
    exemptible = [[each.name for each in policy.exemptible] for policy in describe(compiled())]
    assert exemptible == [["one"], []]


def test_a_default_that_blocks_is_the_last_block_and_rests_on_the_agencys_own_policy() -> None:
    found = administrative(ALLOWING)
    last = found.blocks[-1]
    assert (last.text, last.ground.directive, last.names, last.service) == (
        "", "", 0, None,
    )  # fmt: skip
    assert [each.name for each in found.services] == ["two"]
    assert found.denied == ("b.example", "|c.example^")
    assert found.allowed == ("status.a.example",)
    assert [each.name for each in found.open_services] == ["one"]
    assert (found.default, administrative().default) == ("block", "pass")
