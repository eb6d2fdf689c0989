"""What a policy can have that another program may enforce otherwise, or not at all.

``publish.enforcers`` says how each of these programs enforces each feature.
"""

from collections.abc import Iterator
from enum import StrEnum
from typing import assert_never

from resolver.policy.clauses import BLOCKING, Action, DefaultRule, PolicyRules, Services
from resolver.policy.compiled import CompiledConfig, Policy
from resolver.policy.moment import ended
from resolver.policy.services import services_in


class Feature(StrEnum):
    """What the policy of a VLAN has; the answer modes are those of ``policy.answers``."""

    LISTS = "lists"
    EXCEPTIONS = "exceptions"
    """Of lists."""
    DENY = "deny"
    ALLOW = "allow"
    DEFAULT = "default"
    """Names that nothing covers are blocked."""
    ANSWERS_PAST_DEFAULT = "answers-past-default"
    """What names lead to that pass it by a service of ``allow``, or as names of this network."""
    ALIASES = "aliases"
    """Names that an answer leads to are judged, too."""
    IPV4_RANGES = "ipv4-ranges"
    IPV6_RANGES = "ipv6-ranges"
    CANARIES = "canaries"
    """Names that get NXDOMAIN in every answer mode."""
    SINKHOLE = "answer-sinkhole"
    NXDOMAIN = "answer-nxdomain"
    NODATA = "answer-nodata"
    REFUSED = "answer-refused"
    COUNT = "count"
    """Names are counted, and pass; also those of a policy in audit mode."""
    VLAN_EXEMPTIONS = "exemptions-by-vlan"
    PREFIX_EXEMPTIONS = "exemptions-by-prefix"
    HOURS = "hours"
    """What is blocked or permitted at some hours."""
    INTERFACE = "interface"
    """Clients with link-local addresses."""
    UPSTREAM = "upstream"
    """Servers that this policy's queries go to."""


def features(compiled: CompiledConfig, wall: float) -> list[frozenset[Feature]]:
    """The features of each VLAN from a moment on, in seconds since 1970.

    An exemption by prefix counts for each VLAN whose policy blocks what it permits.
    """
    exemptions = enumerate(compiled.exemptions)
    coming = {
        index: exemption for index, exemption in exemptions if not ended(exemption.until, wall)
    }
    prefixed = {prefix.owner for prefix in compiled.exempted_prefixes}
    of_policies = [frozenset(_of_policy(compiled, policy)) for policy in compiled.policies]
    of_vlans = []
    for index, vlan in enumerate(compiled.vlans):
        has = set(of_policies[vlan.policy])
        blocked = compiled.policies[vlan.policy].services(*BLOCKING)
        for number, exemption in coming.items():
            of_vlan = exemption.vlan == index
            if exemption.services & blocked and (of_vlan or number in prefixed):
                has.add(Feature.VLAN_EXEMPTIONS if of_vlan else Feature.PREFIX_EXEMPTIONS)
                if exemption.hours is not None or exemption.from_ > wall:
                    has.add(Feature.HOURS)
        if vlan.interface:
            has.add(Feature.INTERFACE)
        of_vlans.append(frozenset(has))
    return of_vlans


def _of_policy(compiled: CompiledConfig, policy: Policy) -> Iterator[Feature]:
    if policy.upstream:
        yield Feature.UPSTREAM
    if not policy.does(*BLOCKING):  # all passes, here and elsewhere
        if policy.does(Action.COUNT):
            yield Feature.COUNT
        return
    yield from (Feature.ALIASES, Feature(f"answer-{policy.answer}"))
    for clause in policy.clauses:
        match clause:
            case PolicyRules(rules=rules):
                yield from (_of_rule(rule.does) for rule in rules)
            case Services():
                yield from _of_services(compiled, clause)
            case DefaultRule(does=does):
                opens = policy.services(Action.PASS) != 0
                yield from _of_default(does, alone=not _blocks_more(policy), opens=opens)
            case _:
                assert_never(clause)


def _blocks_more(policy: Policy) -> bool:
    """Whether it blocks any name besides those of its default."""
    denies = any(rule.does in BLOCKING for rule in policy.own_rules)
    return denies or policy.services(*BLOCKING) != 0


def _of_default(does: Action, *, alone: bool, opens: bool) -> Iterator[Feature]:
    match does:
        case Action.PASS:
            return
        case Action.BLOCK:
            yield Feature.DEFAULT
            if not alone:
                yield Feature.ANSWERS_PAST_DEFAULT
        case Action.COUNT:
            yield Feature.COUNT
            if opens and not alone:
                yield Feature.ANSWERS_PAST_DEFAULT
        case _:
            assert_never(does)


def _of_rule(does: Action) -> Feature:
    match does:
        case Action.PASS:
            return Feature.ALLOW
        case Action.BLOCK:
            return Feature.DENY
        case Action.COUNT:
            return Feature.COUNT
        case _:
            assert_never(does)


def _of_services(compiled: CompiledConfig, clause: Services) -> Iterator[Feature]:
    match clause.does:
        case Action.PASS:
            return
        case Action.COUNT:
            yield Feature.COUNT
        case Action.BLOCK:
            yield Feature.LISTS
            if clause.within is not None:
                yield Feature.HOURS
            if compiled.excepted:
                yield Feature.EXCEPTIONS
            services = services_in(clause.services, compiled.services)
            if any(service.always_nxdomain for service in services):
                yield Feature.CANARIES
            for prefix in compiled.ranges:
                if clause.services >> compiled.sources[prefix.source].service & 1:
                    yield Feature.IPV4_RANGES if len(prefix.network) == 4 else Feature.IPV6_RANGES
        case _:
            assert_never(clause.does)
