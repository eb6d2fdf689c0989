"""The policy of a VLAN with rules of its own, which come before those of the policy it names.

Of the policy, the rules remain that cover a name which no rule of the VLAN covers. So of the rules
for one name, the order of ``OwnRuleTable`` decides, whichever clause they are in.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from resolver.dns import names
from resolver.policy.clauses import Clause, OwnRule, PolicyRules
from resolver.policy.compiled import Policy


def policy_of_vlan(policy: Policy, vlan: str, rules: Sequence[OwnRule]) -> Policy:
    """A policy with the rules of a VLAN before its clauses."""
    clauses = (PolicyRules(tuple(rules), vlan), *_remaining(policy, rules))
    return replace(policy, clauses=clauses)


def _remaining(policy: Policy, before: Sequence[OwnRule]) -> Iterator[Clause]:
    """The clauses of a policy, without own rules that these go before for each name."""
    subtrees = {rule.name for rule in before if rule.subtree}
    alone = {rule.name for rule in before if not rule.subtree}
    for clause in policy.clauses:
        if isinstance(clause, PolicyRules):
            rules = [rule for rule in clause.rules if not _is_covered(rule, subtrees, alone)]
            if rules:
                yield PolicyRules(tuple(rules))
        else:
            yield clause


def _is_covered(rule: OwnRule, subtrees: set[bytes], alone: set[bytes]) -> bool:
    """Whether one rule, for a subtree or for a name alone, covers all names of this one."""
    if not rule.subtree and rule.name in alone:
        return True
    return any(zone in subtrees for zone in names.zones(rule.name))
