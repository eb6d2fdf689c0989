"""What a comparison takes of a policy: all fields of its facets, and no other."""

import dataclasses

import pytest

from resolver.policy.clauses import PolicyRules
from resolver.policy.compiled import CompiledConfig, Policy
from resolver.policy.facets import ALL, FIELDS, Facet
from resolver.policy.projection import Projection
from tests.policy.networks import HOURLY, LISTS, snapshot_of
from tests.policy.other_values import COMPILED, OTHER, POLICY


def compared(policy: Policy, facets: Facet, compiled: CompiledConfig = COMPILED) -> object:
    return Projection(compiled, facets).beside_own_rules(policy)


def changed(config: str, facets: Facet) -> bool:
    """Whether the first policy of a config differs from that of ``HOURLY``."""
    other = snapshot_of(config).compiled
    return compared(other.policies[0], facets, other) != compared(POLICY, facets)


@pytest.mark.parametrize("facet", Facet, ids=lambda item: item.name)
def test_a_projection_has_the_fields_of_its_facets(facet: Facet) -> None:
    base = compared(POLICY, facet)
    differs = {
        name
        for name, value in OTHER.items()
        if compared(dataclasses.replace(POLICY, **{name: value}), facet) != base
    }
    rows = {name: FIELDS[f"Policy.{name}"] for name in OTHER}
    assert differs == {n for n, row in rows.items() if row.facets & facet and not row.not_compared}


def test_hours_decide_when_alone() -> None:
    later = HOURLY.replace("07:30", "08:30")
    assert changed(later, Facet.WHEN)
    assert not changed(later, ~Facet.WHEN)


def test_what_is_done_to_a_service_decides_names() -> None:
    counted = HOURLY.replace('block = ["two"]', 'count = ["two"]')
    assert changed(counted, Facet.NAMES)


def test_own_rules_are_left_out() -> None:
    others = tuple(clause for clause in POLICY.clauses if not isinstance(clause, PolicyRules))
    assert others != POLICY.clauses
    assert compared(POLICY, ALL) == compared(dataclasses.replace(POLICY, clauses=others), ALL)


def test_the_order_of_services_does_not_count() -> None:
    """Two snapshots number their services differently."""
    more = snapshot_of(HOURLY, {"a": "! Category: other\n||c.example^\n", **LISTS}).compiled
    assert compared(more.policies[0], ALL, more) == compared(POLICY, ALL)
    assert more.services[0].name == "a"


def test_a_canary_gets_nxdomain_in_each_mode() -> None:
    reply = Projection(COMPILED, ALL).reply
    assert reply(POLICY, canary=False) == ("sinkhole", POLICY.sinkhole_v4, POLICY.sinkhole_v6)
    assert reply(POLICY, canary=True) == ("nxdomain", "", "")
