"""Blocked names that are too long below the name of their zone.

Such a name is blocked from one level above it, by ``*.PARENT``, where the zone has no other rule
below the parent, and no list an exception at the parent, above or below it. The other names below
the parent are then blocked as well. A parent that long has one owner; public suffixes are short.
"""

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from resolver.dns import names
from resolver.publish.policy_zones import PASSTHRU, ZoneRule


class _Group(NamedTuple):
    """The rules of a zone for a name, and for what is below it."""

    name: bytes
    rules: Sequence[ZoneRule]

    def is_below(self, name: bytes) -> bool:
        """Whether the name is below another one, or may be: its index key is a continuation."""
        return self.name != name and names.index_key(self.name).startswith(names.index_key(name))


_END = _Group(names.ROOT, ())


def fitted(
    rules: Iterable[ZoneRule],
    room: int,
    changes: list[str],
    is_excepted_near: Callable[[bytes], bool],
) -> Iterator[ZoneRule]:
    """The rules for a zone with room for owners of this many octets.

    Those below a name must come right after those of the name. A text is added to ``changes`` for
    each name that has other rules than were given. The last argument tells whether a list has an
    exception for a name, or for one above or below it.
    """
    groups = itertools.starmap(_group, itertools.groupby(rules, key=_name))
    before = _END
    for group, after in itertools.pairwise(itertools.chain(groups, [_END])):
        name = group.name
        if all(len(rule.owner) <= room for rule in group.rules):
            yield from group.rules
        elif not is_excepted_near(_parent(name)) and (
            from_parent := _from_parent(before, group, after, room)
        ):
            yield from_parent
            changes.append(
                f"{names.text(name)} is too long for it, so all names below "
                f"{names.text(_parent(name))} are blocked"
            )
        else:
            changes.append(f"without {names.text(name)}, which is too long for it")
        before = group


def _from_parent(before: _Group, group: _Group, after: _Group, room: int) -> ZoneRule | None:
    """The rule that blocks a name from its parent; None where there can be none.

    ``before`` and ``after`` are the names beside it that have rules.
    """
    parent = _parent(group.name)
    owner = names.WILDCARD + parent
    if parent == names.ROOT or len(owner) > room:
        return None
    if before.is_below(parent) or after.is_below(parent):
        return None
    if before.name == parent and any(rule.owner == owner for rule in before.rules):
        return None
    actions = {rule.action for rule in group.rules}
    is_whole = len(group.rules) == 2 or len(names.WILDCARD + group.name) > names.MAX_NAME
    if not is_whole or len(actions) != 1 or PASSTHRU in actions:
        return None
    return ZoneRule(owner, actions.pop())


def _group(name: bytes, rules: Iterable[ZoneRule]) -> _Group:
    return _Group(name, tuple(rules))


def _name(rule: ZoneRule) -> bytes:
    """The name of a rule without its asterisk."""
    return rule.owner.removeprefix(names.WILDCARD)


def _parent(name: bytes) -> bytes:
    return name[1 + name[0] :]
