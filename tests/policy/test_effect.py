"""The effect of a policy, with and without exemptions."""

import math
from dataclasses import replace

import pytest

from resolver.dns import names
from resolver.policy.clauses import (
    BLOCKING,
    RESTRICTING,
    Action,
    DefaultRule,
    OwnRule,
    PolicyRules,
)
from resolver.policy.compiled import CompiledConfig
from resolver.policy.effect import Effects, OwnRuleTable
from resolver.policy.moment import in_force
from resolver.policy.verdict import BLOCKED, NO_SERVICE, WOULD_BLOCK, Outcome, outcome_of
from tests.policy.networks import ALLOWING, CONFIG, HOURLY, snapshot_of

ONE, TWO = 1, 2
"""Sets of services."""


def compiled(config: str = CONFIG) -> CompiledConfig:
    return snapshot_of(config).compiled


def test_what_blocks_and_what_restricts_is_what_the_outcomes_say() -> None:
    assert {*BLOCKING} == {action for action in Action if outcome_of(action) is BLOCKED}
    assert {*RESTRICTING} == {
        action for action in Action if outcome_of(action) is not Outcome.PASSED
    }


def test_an_exemption_takes_services_from_what_is_enforced() -> None:
    effects = Effects(compiled())
    without, exempted = effects.of(0), effects.of(0, (0,))
    assert (without.restricted, without.exempt, without.enforced) == (ONE | TWO, 0, ONE | TWO)
    assert (exempted.restricted, exempted.exempt, exempted.enforced) == (ONE | TWO, ONE, TWO)


def test_an_effect_lasts_until_the_first_of_its_exemptions_ends() -> None:
    found = compiled()
    later = replace(found.exemptions[0], until=found.exemptions[0].until + 60)
    effects = Effects(replace(found, exemptions=(later, *found.exemptions)))
    assert effects.of(0).until == math.inf
    assert effects.of(0, (0,)).until == later.until
    assert effects.of(0, (0, 1)).until == found.exemptions[0].until


def test_a_policy_in_audit_mode_enforces_nothing() -> None:
    audited = CONFIG.replace('directives = ["1595"]', 'mode = "audit"')
    effect = Effects(compiled(audited)).of(0)
    assert (effect.services.blocks, effect.services.doing[Action.COUNT]) == (0, ONE | TWO)
    assert (effect.restricted, effect.enforced, effect.denied) == (ONE | TWO, 0, ())
    enforced = Effects(compiled()).of(0)
    assert (enforced.services.blocks, enforced.services.doing[Action.COUNT]) == (ONE | TWO, 0)


def test_the_lists_alone_have_no_own_rules_and_no_exemption() -> None:
    effect = Effects(compiled()).of(0, (0,))
    lists = effect.lists_only()
    assert effect.denied == tuple(map(names.parse, ("b.example", "c.example")))
    assert (lists.own_rules.by_name, lists.denied, lists.exempt) == ({}, (), 0)
    assert (lists.services, lists.answers) == (effect.services, effect.answers)


def test_a_service_that_is_counted_is_blocked_no_more_and_the_rest_stays() -> None:
    effect = Effects(compiled()).of(0, (0,))
    counted = effect.with_counted(TWO)
    assert (counted.services.blocks, counted.services.doing[Action.COUNT]) == (ONE, TWO)
    assert (counted.restricted, counted.enforced) == (ONE | TWO, 0)
    assert (counted.exempt, counted.exemptions) == (effect.exempt, effect.exemptions) == (ONE, (0,))
    assert (counted.denied, counted.answers) == (effect.denied, effect.answers)


def test_an_opened_effect_covers_no_name() -> None:
    effect = Effects(compiled()).of(0)
    assert effect.has_rules
    assert not effect.without_blocks().has_rules


def test_a_service_has_the_ground_of_its_directive_and_a_denied_name_the_agency_s() -> None:
    effect = Effects(compiled()).of(0)
    assert effect.ground(0).directive == "1595/الف/م"
    assert effect.ground(NO_SERVICE).directive == ""


def test_a_policy_that_only_has_a_default_has_rules() -> None:
    alone = CONFIG.replace("[policies.publicity]", '[policies.publicity]\ndefault = "block"')
    effect = Effects(compiled(alone)).of(1)
    assert effect.has_rules
    assert effect.unlisted is not None
    assert (effect.unlisted.clause, effect.unlisted.outcome) == (DefaultRule(Action.BLOCK), BLOCKED)
    assert not Effects(compiled()).of(1).has_rules


def test_an_exemption_keeps_the_default_and_what_is_allowed() -> None:
    effect = Effects(compiled(ALLOWING)).of(0, (0,))
    services = effect.services
    assert (services.doing[Action.PASS], services.blocks, services.outside_hours) == (ONE, TWO, 0)
    assert effect.exempt == TWO
    assert effect.unlisted is not None
    assert effect.ground(effect.unlisted.service).directive == ""
    assert effect.without_blocks().unlisted is None
    audited = Effects(compiled(ALLOWING.replace('directives = ["1595"]', 'mode = "audit"'))).of(0)
    assert audited.unlisted is not None
    assert audited.unlisted.outcome is WOULD_BLOCK


def test_the_clause_on_a_service_is_the_one_that_decides_now() -> None:
    """``one`` and ``two`` are counted at all hours, and blocked in those of the office."""
    config = HOURLY.replace(
        'block = ["two"]\nduring = [{ hours = "office", block = ["one"] }]',
        'count = ["one", "two"]\nduring = [{ hours = "office", block = ["one", "two"] }]',
    )
    found = compiled(config)
    begins, ends = found.hours[0].moments[:2]
    for moment, does in ((begins, Action.BLOCK), (ends, Action.COUNT)):
        effect = Effects(found, in_force(found, moment)).of(0)
        assert [effect.clause(service).does for service in (0, 1)] == [does, does]


def test_a_clause_on_another_service_is_not_the_one_that_decides() -> None:
    found = compiled(HOURLY)
    effect = Effects(found, in_force(found, found.hours[0].moments[0])).of(0)
    assert [effect.clause(service).services for service in (0, 1)] == [ONE, TWO]


def test_all_services_of_other_hours_are_outside_hours() -> None:
    found = compiled(
        HOURLY.replace(
            'block = ["two"]\nduring = [{ hours = "office", block = ["one"] }]',
            (
                'during = [{ hours = "office", block = ["one"] }, '
                '{ hours = "office", count = ["two"] }]'
            ),
        )
    )
    begins, ends = found.hours[0].moments[:2]
    by_moment = {at: Effects(found, in_force(found, at)).of(0).services for at in (begins, ends)}
    assert (by_moment[begins].blocks, by_moment[begins].outside_hours) == (ONE, 0)
    assert (by_moment[ends].restricted, by_moment[ends].outside_hours) == (0, ONE | TWO)


def test_an_exemption_with_hours_ends_the_effect_where_these_end() -> None:
    hours = HOURLY[HOURLY.index("[hours.office]") :]
    found = compiled(CONFIG.replace('ticket = "PR-1"', 'ticket = "PR-1"\nhours = "office"') + hours)
    begins, ends = found.hours[0].moments[:2]
    effects = Effects(found, in_force(found, begins))
    assert effects.of(0).until == math.inf
    assert effects.of(0, (0,)).until == ends
    always = Effects(compiled(CONFIG + hours), in_force(compiled(CONFIG + hours), begins))
    assert always.of(0, (0,)).until > ends


@pytest.mark.parametrize("order", [(Action.PASS, Action.BLOCK), (Action.BLOCK, Action.PASS)])
def test_allow_wins_over_deny_of_the_same_name(order: tuple[Action, Action]) -> None:
    """A config is refused that has both; a snapshot that 1.2 has stored may have them."""
    name = names.parse("both.example")
    rules = tuple(OwnRule(name, True, does, "both.example") for does in order)
    first, _ = OwnRuleTable((PolicyRules(rules),)).by_name[name]
    assert first.outcome is Outcome.PASSED
