"""How targets enforce a policy: every field has a feature, and every feature a fit everywhere."""

from dataclasses import fields
from typing import get_args

import pytest

from resolver.dns import codes
from resolver.policy import compiled as made
from resolver.policy.answers import MODES
from resolver.policy.clauses import Clause, HoursCondition, OwnRule
from resolver.policy.facets import FIELDS, Facet
from resolver.policy.features import Feature, features
from resolver.policy.verdict import BLOCKED, Verdict
from resolver.publish.enforcers import SUPPORTS, Enforcer, Fit, deviations
from resolver.publish.policy_zones import PASSTHRU, policy_zones, zone_action
from tests.policy.networks import ALLOWING, CONFIG, HOURLY, LISTS, snapshot_of

WALL = 1.8e9

RANGES = (Feature.IPV4_RANGES, Feature.IPV6_RANGES)
ANSWERS = (Feature.SINKHOLE, Feature.NXDOMAIN, Feature.NODATA, Feature.REFUSED)
EXEMPTIONS = (Feature.VLAN_EXEMPTIONS, Feature.PREFIX_EXEMPTIONS)
FEATURES = {
    "Service.always_nxdomain": (Feature.CANARIES,),
    "ListSource.rules": (Feature.LISTS, Feature.EXCEPTIONS, Feature.ALIASES),
    "ListSource.service": (Feature.LISTS, Feature.ALIASES, *RANGES),
    "ListSource.longest_match": (Feature.EXCEPTIONS,),
    "OwnRule.name": (Feature.DENY, Feature.ALLOW),
    "OwnRule.subtree": (Feature.DENY, Feature.ALLOW),
    "OwnRule.does": (Feature.DENY, Feature.ALLOW, Feature.COUNT),
    "PolicyRules.rules": (Feature.DENY, Feature.ALLOW),
    "Services.services": (Feature.LISTS, Feature.ALIASES, *RANGES),
    "Services.does": (Feature.LISTS, Feature.COUNT, Feature.ANSWERS_PAST_DEFAULT),
    "Services.within": (Feature.HOURS,),
    "HoursCondition.hours": (Feature.HOURS,),
    "HoursCondition.outside": (Feature.HOURS,),
    "DefaultRule.does": (Feature.DEFAULT, Feature.COUNT),
    "Policy.clauses": (Feature.LISTS, Feature.DENY, Feature.ALLOW, Feature.DEFAULT, Feature.COUNT),
    "Policy.answer": ANSWERS,
    "Policy.sinkhole_v4": (Feature.SINKHOLE,),
    "Policy.sinkhole_v6": (Feature.SINKHOLE,),
    "Policy.upstream": (Feature.UPSTREAM,),
    "Vlan.interface": (Feature.INTERFACE,),
    "AddressRange.network": RANGES,
    "AddressRange.length": RANGES,
    "AddressRange.source": RANGES,
    "Exemption.vlan": EXEMPTIONS,
    "Exemption.services": EXEMPTIONS,
    "Exemption.until": EXEMPTIONS,
    "Exemption.from_": (*EXEMPTIONS, Feature.HOURS),
    "Exemption.hours": (Feature.HOURS,),
    "Hours.days": (Feature.HOURS,),
    "Hours.begin": (Feature.HOURS,),
    "Hours.end": (Feature.HOURS,),
    "Hours.time_zone": (Feature.HOURS,),
    "Hours.holidays": (Feature.HOURS,),
}
"""The features by which targets know the fields that decide."""
PEOPLE = {field for field, row in FIELDS.items() if not row.facets & ~(Facet.TEXT | Facet.REASON)}
"""What people read: no enforcer has it."""
DECIDE_NOTHING = {
    "Service.name": "people read it",
    "PolicyRules.vlan": "the policy that has them is that of the VLAN alone",
    "Vlan.name": "it is in the names of zones and files",
    "Vlan.policy": "each VLAN has the features of its policy",
}


def test_every_field_of_the_policy_has_a_feature_or_decides_nothing() -> None:
    """A field that does not even count for the policy hash needs no feature."""
    kinds = (
        *(made.Service, made.ListSource, made.Policy, made.Vlan, made.AddressRange),
        *(made.Exemption, made.Hours, OwnRule, HoursCondition, *get_args(Clause)),
    )
    every = {f"{kind.__name__}.{field.name}" for kind in kinds for field in fields(kind)}
    uncounted = {field for field, row in FIELDS.items() if row.not_compared} - FEATURES.keys()
    assert every - uncounted - PEOPLE == {*FEATURES, *DECIDE_NOTHING}
    assert not FEATURES.keys() & DECIDE_NOTHING.keys()
    assert {feature for found in FEATURES.values() for feature in found} == set(Feature)


def test_every_answer_mode_is_a_feature() -> None:
    assert {f"answer-{mode}" for mode in MODES} == set(ANSWERS)


@pytest.mark.parametrize("target", Enforcer)
def test_every_feature_has_a_fit(target: Enforcer) -> None:
    assert SUPPORTS[target].keys() == set(Feature)
    for feature, support in SUPPORTS[target].items():
        assert bool(support.why) == (support.fit is not Fit.EXACT), feature


@pytest.mark.parametrize("mode", MODES)
def test_an_answer_that_zones_cannot_say_is_not_called_exact(mode: str) -> None:
    answers = MODES[mode]({codes.A: bytes(4), codes.AAAA: bytes(16)}, 0)
    verdict = Verdict(BLOCKED, all_below=True)
    fit = SUPPORTS[Enforcer.ZONES][Feature(f"answer-{mode}")].fit
    assert (zone_action(answers, verdict) is None) <= (fit is not Fit.EXACT)


def test_what_is_late_or_asks_others_is_neither_stricter_nor_looser() -> None:
    found = {(f, s.fit) for of in SUPPORTS.values() for f, s in of.items() if f is Feature.HOURS}
    assert found == {(Feature.HOURS, Fit.OTHERWISE)}
    assert SUPPORTS[Enforcer.ZONES][Feature.UPSTREAM].fit is Fit.OTHERWISE


FULL = CONFIG.replace('policy = "publicity"', 'policy = "publicity"\ninterface = "eth0.20"') + (
    '[upstreams.filtered]\nservers = ["192.0.2.9"]\n'
    '[[exemptions]]\nid = "all"\nvlan = "administration"\nservices = ["two"]\n'
    'until = 2027-03-20T23:59:59+03:30\napprover = "A"\nticket = "T"\n'
)
BLOCKING = {
    Feature.LISTS,
    Feature.EXCEPTIONS,
    Feature.ALIASES,
    Feature.DENY,
    Feature.ALLOW,
    *RANGES,
}


def found(config: str, vlan: int = 0, wall: float = WALL) -> set[Feature]:
    lists = LISTS | {"canary": "! Category: messenger\n! Answer: nxdomain\n||use.example^\n"}
    return {*features(snapshot_of(config, lists).compiled, wall)[vlan]}


def changed(old: str, new: str) -> str:
    assert FULL.count(old) == 1
    return FULL.replace(old, new)


def test_the_features_of_a_policy() -> None:
    whole = BLOCKING | {Feature.CANARIES, Feature.SINKHOLE, *EXEMPTIONS}
    assert found(FULL) == whole
    assert found(FULL, 1) == {Feature.INTERFACE}
    assert found(FULL, wall=1.9e9) == whole - {*EXEMPTIONS}
    for mode in MODES:
        with_mode = changed('allow = ["status', f'answer = "{mode}"\nallow = ["status')
        assert found(with_mode) & {*ANSWERS} == {Feature(f"answer-{mode}")}
    upstream = changed('allow = ["status', 'upstream = "filtered"\nallow = ["status')
    assert found(upstream) == whole | {Feature.UPSTREAM}
    assert Feature.HOURS not in found(FULL)
    default = changed('allow = ["status', 'default = "block"\nallow = ["status')
    assert found(default) == whole | {Feature.DEFAULT, Feature.ANSWERS_PAST_DEFAULT}
    assert Feature.DEFAULT not in found(changed('block = ["@m', 'mode = "audit"\nblock = ["@m'))
    assert found(HOURLY) >= {Feature.HOURS, *RANGES, Feature.PREFIX_EXEMPTIONS}
    audit = changed('allow = ["status', 'mode = "audit"\nallow = ["status')
    assert found(audit) == {Feature.COUNT}
    only_deny = changed('block = ["@messenger"]\n', "")
    assert found(only_deny) == {Feature.ALIASES, Feature.SINKHOLE, Feature.DENY, Feature.ALLOW}


def test_a_misfit_names_vlan_features_and_target() -> None:
    found = {
        deviation.kind: deviation
        for deviation in deviations(snapshot_of(FULL).compiled, Enforcer.UNBOUND, WALL)
    }
    assert str(found["aliases-in-unbound"]) == (
        "VLAN administration: unbound: aliases: looser: types other than A and AAAA pass through "
        "an alias, and so does an alias in the cache"
    )
    assert found["ipv4-ranges-in-unbound"].features == RANGES
    assert found["interface-in-unbound"].vlans == ("publicity",)


@pytest.mark.parametrize("target", Enforcer)
def test_where_a_name_leads_that_passes_a_default_is_named(target: Enforcer) -> None:
    compiled, led = snapshot_of(ALLOWING).compiled, Feature.ANSWERS_PAST_DEFAULT
    [named] = [
        deviation for deviation in deviations(compiled, target, WALL) if led in deviation.features
    ]
    assert (named.policy, named.vlans) == ("administrative", ("administration",))
    assert named.support.fit is Fit.LOOSER
    assert (Feature.DEFAULT in named.features) is (target in (Enforcer.NFTABLES, Enforcer.FEEDS))


def test_a_default_that_only_counts_is_in_no_zone() -> None:
    audited = snapshot_of(ALLOWING.replace('directives = ["1595"]', 'mode = "audit"'))
    zones = policy_zones(audited.compiled, audited.index(), WALL)
    rules = [rule for zone in (*zones.block_sets, *zones.vlans) for rule in zone.rules()]
    assert {rule.action for rule in rules} <= {PASSTHRU}
