"""What a policy does to clients, while certain hours hold and exemptions are in force for them.

Replies, response policy zones, rules of a firewall and ``explain`` all read an ``Effect``, so that
nothing outside of this package reads a policy in its own way.
"""

import math
from typing import Final

from resolver.policy.answers import BlockedAnswers, blocked_answers
from resolver.policy.building import ancestors, top_labels
from resolver.policy.compiled import CompiledConfig, Ground, OwnRule, Policy
from resolver.policy.moment import NOTHING, InForce
from resolver.policy.services import union
from resolver.policy.verdict import BLOCKED, NO_SERVICE, UNLISTED, WOULD_BLOCK, Outcome, Verdict


class OwnRules:
    """The rules in the ``allow`` and ``deny`` of a policy."""

    __slots__ = ("above", "by_name", "denied", "tops")

    def __init__(self, rules: tuple[OwnRule, ...]) -> None:
        self.by_name: dict[bytes, list[OwnRule]] = {}
        for rule in rules:
            self.by_name.setdefault(rule.name, []).append(rule)
        self.tops = top_labels(self.by_name)
        """The marks of their last labels: most names have another mark and need no look-up."""
        self.above = ancestors([rule.name for rule in rules if rule.allow])
        """The names above the names of ``allow``."""
        self.denied = tuple([rule.name for rule in rules if not rule.allow])
        """The names of ``deny``."""


_NO_RULES: Final = OwnRules(())


class Effect:
    """What a policy does while certain things are in force. An effect never changes."""

    __slots__ = (
        *("allowed", "answers", "block_outcome", "blocked", "blocked_at_other_hours", "exempt"),
        *("exemptions", "listed", "own_rules", "policy", "unlisted", "until"),
    )

    def __init__(
        self,
        policy: Policy,
        own_rules: OwnRules,
        answers: BlockedAnswers,
        blocked: int,
        blocked_at_other_hours: int = 0,
        exempt: int = 0,
        exemptions: tuple[int, ...] = (),
        until: float = math.inf,
        allowed: int = 0,
        unlisted: Verdict | None = None,
    ) -> None:
        self.policy = policy
        """For its name and its contact."""
        self.own_rules = own_rules
        self.answers = answers
        self.blocked = blocked
        """The services that its lists block now, one bit each; also those that are exempted."""
        self.blocked_at_other_hours = blocked_at_other_hours
        """The services that it blocks at other hours only, one bit each."""
        self.allowed = allowed
        """The services whose names pass before those of blocked services, one bit each."""
        self.listed = blocked | blocked_at_other_hours | allowed
        """The services whose lists of names count, one bit each."""
        self.unlisted = unlisted
        """The verdict on a name that nothing covers; None if it passes."""
        self.exempt = exempt
        """The exempted services, one bit each."""
        self.exemptions = exemptions
        """The indexes of the exemptions."""
        self.until = until
        """Unix time until which this effect is in force; ``inf`` if nothing ends it."""
        self.block_outcome = _block_outcome(policy)
        """The outcome for a name or an address that a rule blocks."""

    @property
    def has_rules(self) -> bool:
        """Whether a rule can cover any name."""
        return bool(self.listed or self.own_rules.by_name or self.unlisted)

    @property
    def default_blocks(self) -> bool:
        """Whether a name that nothing covers gets a blocked reply."""
        return self.unlisted is not None and self.block_outcome is BLOCKED

    @property
    def deciding(self) -> int:
        """The services whose names decide what gets a blocked reply, one bit each.

        Names of a service that is allowed, or blocked at other hours only, pass the default.
        """
        if self.block_outcome is not BLOCKED:
            return 0
        return self.listed if self.unlisted is not None else self.blocked

    @property
    def enforced(self) -> int:
        """The services whose names get a blocked reply, one bit each."""
        return self.blocked & ~self.exempt if self.block_outcome is BLOCKED else 0

    def ground(self, service: int) -> Ground:
        """What the block of a service rests on; ``NO_SERVICE``: of ``deny``, or of the default."""
        policy = self.policy
        return policy.cited_grounds[
            0 if service == NO_SERVICE else policy.grounds_by_service[service]
        ]

    def lists_only(self) -> "Effect":
        """The effect of its lists and its default: without own rules and exemptions."""
        return Effect(
            self.policy,
            _NO_RULES,
            self.answers,
            self.blocked,
            self.blocked_at_other_hours,
            allowed=self.allowed,
            unlisted=self.unlisted,
        )

    def with_default_block(self, opened: int, services: int) -> "Effect":
        """The effect of a policy like this one whose default is to block.

        Its ``allow`` and ``deny`` stay. The lists of the services in ``opened`` (one bit each) and
        in its ``allow`` let names pass. The lists of all others block; ``services`` is the number
        of services.
        """
        allowed = self.allowed | opened
        blocked = (1 << services) - 1 & ~allowed
        unlisted = Verdict(self.block_outcome, UNLISTED)
        return Effect(
            self.policy, self.own_rules, self.answers, blocked, allowed=allowed, unlisted=unlisted
        )

    def without_blocks(self) -> "Effect":
        """The effect of a policy like this one that lets every name pass."""
        return Effect(self.policy, _NO_RULES, self.answers, 0)


def _block_outcome(policy: Policy) -> Outcome:
    return BLOCKED if policy.is_enforced else WOULD_BLOCK


def blocked_within(policy: Policy, hours: frozenset[int]) -> int:
    """The services that a policy blocks while these hours hold, one bit each."""
    blocked = policy.blocked_services
    for each in policy.blocked_by_hours:
        if (each.hours in hours) is not each.outside:
            blocked |= each.services
    return blocked


class Effects:
    """The effects of the policies of a snapshot at the current time."""

    def __init__(self, compiled: CompiledConfig, now: InForce = NOTHING) -> None:
        self._policies = compiled.policies
        self._exemptions = compiled.exemptions
        self._own_rules = [OwnRules(policy.allow_and_deny) for policy in compiled.policies]
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
        found = [self._exemptions[index] for index in exemptions]
        return Effect(
            base.policy,
            base.own_rules,
            base.answers,
            base.blocked,
            base.blocked_at_other_hours,
            union(each.exempted_services for each in found),
            exemptions,
            min(
                base.until,
                *(each.ends_at for each in found),
                *(self._now.until for each in found if each.exempted_hours is not None),
            ),
            base.allowed,
            base.unlisted,
        )

    def _alone(self, index: int) -> Effect:
        policy = self._policies[index]
        blocked = blocked_within(policy, self._now.hours)
        until = self._now.until if policy.blocked_by_hours else math.inf
        return Effect(
            policy,
            self._own_rules[index],
            self._answers[index],
            blocked,
            policy.ever_blocked & ~blocked,
            until=until,
            allowed=policy.allowed_services,
            unlisted=Verdict(_block_outcome(policy), UNLISTED) if policy.blocks_unlisted else None,
        )
