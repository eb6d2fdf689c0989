"""Blocked names that are too long below the name of their zone.

Such a name is blocked from one level above it, by ``*.PARENT``, where the zone has no other rule
below the parent. The other names below the parent are then blocked as well. A parent that long has
one owner; public suffixes are short.
"""

from collections.abc import Sequence
from typing import NamedTuple

from resolver.dns import names
from resolver.publish.policy_zones import PASSTHRU, WILDCARD, Action, ZoneRule


class FittedRules(NamedTuple):
    """Rules that fit into a zone."""

    rules: Sequence[ZoneRule]
    changes: Sequence[str]
    """How they differ from those that were to be fitted, one text for each name."""


def fitted(rules: Sequence[ZoneRule], room: int) -> FittedRules:
    """The rules for a zone with room for owners of this many octets."""
    long = dict.fromkeys(_name(rule.owner) for rule in rules if len(rule.owner) > room)
    if not long:
        return FittedRules(rules, ())
    fit = [rule for rule in rules if _name(rule.owner) not in long]
    changes = []
    below: dict[bytes, set[bytes]] = {}
    for name in {_name(rule.owner) for rule in rules}:
        for above in names.zones(_parent(name)):
            below.setdefault(above, set()).add(name)
    wildcards = {_name(rule.owner) for rule in fit if rule.owner.startswith(WILDCARD)}
    for name in long:
        parent = _parent(name)
        action = _only_action([rule for rule in rules if _name(rule.owner) == name], name)
        owner = WILDCARD + parent
        if action and below[parent] == {name} and parent not in wildcards and len(owner) <= room:
            fit.append(ZoneRule(owner, action))
            changes.append(
                f"{names.text(name)} is too long for it, so all names below "
                f"{names.text(parent)} are blocked"
            )
        else:
            changes.append(f"without {names.text(name)}, which is too long for it")
    return FittedRules(fit, changes)


def _only_action(rules: Sequence[ZoneRule], name: bytes) -> Action | None:
    """The action by which a name is blocked with all names below it; None where none does that."""
    actions = {rule.action for rule in rules}
    whole = len(rules) == 2 or len(WILDCARD + name) > names.MAX_NAME
    return actions.pop() if whole and len(actions) == 1 and PASSTHRU not in actions else None


def _name(owner: bytes) -> bytes:
    """The name of a rule without its asterisk."""
    return owner.removeprefix(WILDCARD)


def _parent(name: bytes) -> bytes:
    return name[1 + name[0] :]
