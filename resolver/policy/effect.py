"""What a policy does to clients, while certain hours hold and exemptions are in force for them.

Replies, response policy zones, rules of a firewall and ``explain`` all read an ``Effect``, so that
nothing outside of this package reads a policy in its own way.

What must stay true:
- ``Effect.tiers`` is the only order of what a policy does to the services that cover a name. Those
  in the first tier decide; of their rules, the most specific is cited.
- At a moment, a policy does one thing to a service at most (``clauses.ORDER``).
"""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Final, NamedTuple, assert_never

from resolver.dns import codes
from resolver.policy.answers import BlockedAnswers, blocked_answers
from resolver.policy.building import ancestors, top_labels
from resolver.policy.clauses import (
    BLOCKING,
    ORDER,
    RESTRICTING,
    Action,
    DefaultRule,
    PolicyRules,
    Services,
)
from resolver.policy.compiled import CompiledConfig, Ground, Policy
from resolver.policy.moment import NOTHING, InForce
from resolver.policy.services import union
from resolver.policy.verdict import (
    BLOCKED,
    NO_SERVICE,
    Outcome,
    Verdict,
    outcome_of,
)


class OwnRuleTable:
    """The rules in the ``allow`` and ``deny`` of a policy, and of its VLAN, as verdicts by name."""

    __slots__ = ("above", "by_name", "restricted", "rules", "tops")

    def __init__(self, clauses: tuple[PolicyRules, ...]) -> None:
        rules_of_clauses = [(rule, clause) for clause in clauses for rule in clause.rules]
        self.rules = rules = tuple([rule for rule, _ in rules_of_clauses])
        self.by_name: dict[bytes, list[Verdict]] = {}
        """Of the verdicts for a name, the first that covers the asked one decides. ``all_below``
        does not count what else passes there."""
        rules_of_clauses.sort(key=lambda pair: (pair[0].subtree, pair[0].does is not Action.PASS))
        for rule, clause in rules_of_clauses:
            self.by_name.setdefault(rule.name, []).append(Verdict.by_own_rule(rule, clause))
        self.tops = top_labels(self.by_name)
        """The marks of their last labels: most names have another mark and need no look-up."""
        self.above = ancestors([rule.name for rule in rules if rule.does is Action.PASS])
        """The names above the names of ``allow``."""
        self.restricted = tuple([rule for rule in rules if rule.does is not Action.PASS])
        """The rules of ``deny``."""


_NO_RULES: Final = OwnRuleTable(())


class ServiceSets(NamedTuple):
    """What the clauses of a policy do to the lists of services at a moment, one bit each."""

    doing: Mapping[Action, int]
    """Those to which the policy does each thing."""
    blocks: int
    """Those whose names get a blocked reply, unless exempted."""
    restricted: int
    """Those whose names are blocked or counted, unless exempted."""
    outside_hours: int
    """A clause on them holds at other hours only."""


def service_sets(policy: Policy, hours: frozenset[int]) -> ServiceSets:
    """What a policy does to services while these hours hold."""
    ever, done = 0, 0
    doing = dict.fromkeys(Action, 0)
    for clause in policy.clauses:
        match clause:
            case Services(services=services, does=does):
                ever |= services
                doing[does] |= services if clause.holds(hours) else 0
            case PolicyRules() | DefaultRule():
                pass  # ``Effect`` asks them by name
            case _:
                assert_never(clause)
    for does in ORDER:
        doing[does] &= ~done
        done |= doing[does]
    blocks = union([doing[action] for action in BLOCKING])
    return ServiceSets(
        doing, blocks, union([doing[action] for action in RESTRICTING]), ever & ~done
    )


class Tier(NamedTuple):
    """Services of which one decides before those of later tiers, and the outcome."""

    services: int
    """One bit each."""
    outcome: Outcome


class Effect:
    """What a policy does while certain things are in force. An effect never changes."""

    __slots__ = (
        "answers",
        "exempt",
        "exemptions",
        "hours",
        "listed",
        "own_rules",
        "policy",
        "question_types",
        "services",
        "tiers",
        "unlisted",
        "until",
    )

    def __init__(
        self,
        policy: Policy,
        own_rules: OwnRuleTable,
        answers: BlockedAnswers,
        hours: frozenset[int],
        exempt: int = 0,
        exemptions: tuple[int, ...] = (),
        until: float = math.inf,
    ) -> None:
        self.policy = policy
        """For its name and its contact."""
        self.own_rules = own_rules
        self.answers = answers
        self.hours = hours
        """The indexes of the hours that hold."""
        self.exempt = exempt
        """The exempted services, one bit each."""
        self.exemptions = exemptions
        """The indexes of the exemptions."""
        self.until = until
        """Unix time until which this effect is in force; ``inf`` if nothing ends it."""
        self.services = services = service_sets(policy, hours)
        """What it does to services now; also to those that are exempted."""
        exempted = services.restricted & exempt
        self.tiers = (
            *[Tier(services.doing[action] & ~exempted, outcome_of(action)) for action in ORDER],
            Tier(exempted, Outcome.EXEMPTED),
            Tier(services.outside_hours, Outcome.PASSED),
        )
        self.listed = union([tier.services for tier in self.tiers])
        """The services whose lists of names count, one bit each."""
        self.unlisted = _verdict_on_unlisted(policy)
        """The verdict on a name that no clause is for; None if it passes."""
        self.question_types = _question_types(policy)
        """The types whose questions stand for those of all types: comparisons and proofs ask
        these."""

    @property
    def has_rules(self) -> bool:
        """Whether a rule can cover any name."""
        return bool(self.listed or self.own_rules.by_name or self.unlisted)

    @property
    def default_blocks(self) -> bool:
        """Whether a name that no clause is for gets a blocked reply."""
        return self.unlisted is not None and self.unlisted.outcome is BLOCKED

    @property
    def denied(self) -> tuple[bytes, ...]:
        """The names of ``deny`` that get a blocked reply."""
        return tuple([e.name for e in self.own_rules.restricted if e.does in BLOCKING])

    @property
    def deciding(self) -> int:
        """The services whose names decide what gets a blocked reply, one bit each.

        Names of a service that passes, or whose clause holds at other hours only, pass a default
        that blocks.
        """
        return self.listed if self.default_blocks else self.services.blocks

    @property
    def restricted(self) -> int:
        """As ``ServiceSets`` says."""
        return self.services.restricted

    @property
    def enforced(self) -> int:
        """The services whose names get a blocked reply, one bit each."""
        return self.services.blocks & ~self.exempt

    def tier(self, services: int) -> Tier:
        """The tier that decides where these services cover a name; at least one is listed."""
        for tier in self.tiers:
            if tier.services & services:
                return tier
        raise ValueError(f"no clause of policy {self.policy.name} is for these services")

    def ground(self, service: int) -> Ground:
        """What the block of a service rests on; ``NO_SERVICE``: of ``deny``, or of the default."""
        policy = self.policy
        return policy.cited_grounds[
            0 if service == NO_SERVICE else policy.grounds_by_service[service]
        ]

    def clause(self, service: int) -> Services:
        """The clause that decides on a listed service now; if none holds, one of other hours."""
        on = [clause for clause in self.policy.on_services if clause.services >> service & 1]
        for clause in on:
            if clause.holds(self.hours) and self.services.doing[clause.does] >> service & 1:
                return clause
        return max(on, key=lambda clause: clause.does.strictness)

    def lists_only(self) -> "Effect":
        """The effect of its lists and its default: without own rules and exemptions."""
        return Effect(self.policy, _NO_RULES, self.answers, self.hours)

    def with_counted(self, services: int) -> "Effect":
        """The effect of a policy like this one that counts these services, one bit each.

        Their names pass unless others block them, as under an exemption.
        """
        clauses = [
            replace(clause, services=clause.services & ~services)
            if isinstance(clause, Services)
            else clause
            for clause in self.policy.clauses
        ]
        policy = replace(self.policy, clauses=(*clauses, Services(services, Action.COUNT)))
        return Effect(
            policy, self.own_rules, self.answers, self.hours, self.exempt, self.exemptions
        )

    def without_blocks(self) -> "Effect":
        """The effect of a policy like this one that lets every name pass."""
        return Effect(replace(self.policy, clauses=()), _NO_RULES, self.answers, self.hours)


def _verdict_on_unlisted(policy: Policy) -> Verdict | None:
    default = DefaultRule(policy.unlisted)
    return None if default.does is Action.PASS else Verdict.by_default(default)


def _question_types(policy: Policy) -> tuple[int, ...]:
    """A type for each verdict that a name can get by its type."""
    types = {codes.A}
    for clause in policy.clauses:
        match clause:
            case PolicyRules() | Services() | DefaultRule():
                pass  # the name alone decides, so that A stands for all types
            case _:
                assert_never(clause)
    return tuple(types)


class Effects:
    """The effects of the policies of a snapshot at the current time."""

    def __init__(self, compiled: CompiledConfig, now: InForce = NOTHING) -> None:
        self._policies = compiled.policies
        self._exemptions = compiled.exemptions
        self._own_rules = [OwnRuleTable(policy.on_own_rules) for policy in compiled.policies]
        self._answers = [blocked_answers(policy, compiled.services) for policy in compiled.policies]
        self.advance(now)

    def advance(self, now: InForce) -> None:
        """Begin with the effects of another time."""
        self._now = now
        self.of_policies = [self._alone(index) for index in range(len(self._policies))]
        """The effect of each policy without exemptions."""

    def of(self, policy: int, exemptions: tuple[int, ...] = ()) -> Effect:
        """The effect of a policy while these exemptions are in force."""
        base = self.of_policies[policy]
        if not exemptions:
            return base
        exempted = [self._exemptions[index] for index in exemptions]
        return Effect(
            base.policy,
            base.own_rules,
            base.answers,
            base.hours,
            union(part.services for part in exempted),
            exemptions,
            min(
                base.until,
                *(part.until for part in exempted),
                *(self._now.until for part in exempted if part.hours is not None),
            ),
        )

    def _alone(self, index: int) -> Effect:
        policy, now = self._policies[index], self._now
        until = now.until if any(clause.within for clause in policy.on_services) else math.inf
        return Effect(policy, self._own_rules[index], self._answers[index], now.hours, until=until)
