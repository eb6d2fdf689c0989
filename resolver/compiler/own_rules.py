"""The entries of ``allow``, ``deny`` and ``except``."""

from typing import NamedTuple

from resolver.config.values import instead_of_url
from resolver.lists.guard import too_wide
from resolver.lists.rules import Rule, read_rule
from resolver.policy.clauses import Action, OwnRule


class Unfit(NamedTuple):
    """What an entry that is no rule should be, and what to do."""

    expected: str
    advice: str


def own_rule(text: str, does: Action, *, is_service: bool) -> OwnRule | Unfit:
    """Read an entry; where it is no rule, ``is_service`` says that it names a service."""
    rule = read_rule(text, 0)
    reason = _unfit(text, rule, allow=does is Action.PASS)
    if reason and is_service and does is not Action.PASS:
        reason = "a service, which belongs in 'block' of a policy"
    if isinstance(rule, Rule) and not reason:
        return OwnRule(name=rule.name, subtree=rule.subtree, does=does, text=text)
    return Unfit(
        'a name such as "example.com" (it and all below it) or "|example.com^"',
        instead_of_url(text) or f"Here: {reason}.",
    )


def _unfit(text: str, rule: Rule | str | None, *, allow: bool) -> str | None:
    """Why an entry is no rule; None where it is one."""
    if text.startswith("@") and not text.startswith("@@"):
        where = (
            '\'allow\' of a policy takes where default is "block" or "count"'
            if allow
            else "belongs in 'block' of a policy"
        )
        return f"a category, which {where}"
    if text == "." and not allow:
        return "the root; default = \"block\" blocks all names that 'allow' does not have"
    if not isinstance(rule, Rule):
        return rule
    if rule.exception:
        return "an exception ('@@') belongs in a list; 'allow' lets a name pass"
    return too_wide(rule._replace(exception=allow))


def is_reference(text: str) -> bool:
    """Whether an entry of ``allow`` means services: a name has a dot, or is written as a rule."""
    return not text.startswith("@@") and "." not in text and "|" not in text
