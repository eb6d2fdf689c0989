"""The effect of a policy, with and without exemptions."""

import math
from dataclasses import replace

from resolver.dns import names
from resolver.policy.compiled import CompiledConfig
from resolver.policy.effect import Effects
from resolver.policy.verdict import BLOCKED, NO_SERVICE, WOULD_BLOCK
from tests.policy.networks import CONFIG, compiled

ONE, TWO = 1, 2
"""Sets of services."""


def terms(config: str = CONFIG) -> CompiledConfig:
    return compiled(config).terms


def test_an_exemption_takes_services_from_what_is_enforced() -> None:
    effects = Effects(terms())
    without, exempted = effects.of(0), effects.of(0, (0,))
    assert (without.blocked, without.exempt, without.enforced) == (ONE | TWO, 0, ONE | TWO)
    assert (exempted.blocked, exempted.exempt, exempted.enforced) == (ONE | TWO, ONE, TWO)


def test_an_effect_lasts_until_the_first_of_its_exemptions_ends() -> None:
    found = terms()
    later = replace(found.exemptions[0], ends_at=found.exemptions[0].ends_at + 60)
    effects = Effects(replace(found, exemptions=(later, *found.exemptions)))
    assert effects.of(0).until == math.inf
    assert effects.of(0, (0,)).until == later.ends_at
    assert effects.of(0, (0, 1)).until == found.exemptions[0].ends_at


def test_a_policy_in_audit_mode_enforces_nothing() -> None:
    audited = CONFIG.replace('directives = ["1595"]', 'mode = "audit"')
    effect = Effects(terms(audited)).of(0)
    assert (effect.caught, effect.blocked, effect.enforced) == (WOULD_BLOCK, ONE | TWO, 0)
    assert Effects(terms()).of(0).caught is BLOCKED


def test_the_lists_alone_have_no_own_rules_and_no_exemption() -> None:
    effect = Effects(terms()).of(0, (0,))
    lists = effect.lists_only()
    assert effect.own.denied == tuple(map(names.parse, ("b.example", "c.example")))
    assert (lists.own.by_name, lists.own.denied, lists.exempt) == ({}, (), 0)
    assert (lists.blocked, lists.answers) == (effect.blocked, effect.answers)


def test_an_opened_effect_covers_no_name() -> None:
    effect = Effects(terms()).of(0)
    assert effect.has_rules
    assert not effect.opened().has_rules


def test_a_service_has_the_ground_of_its_directive_and_a_denied_name_the_agency_s() -> None:
    effect = Effects(terms()).of(0)
    assert effect.ground(0).directive == "1595/الف/م"
    assert effect.ground(NO_SERVICE).directive == ""
