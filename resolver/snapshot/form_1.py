"""The policies of snapshots that releases before 1.2.0 have stored, as clauses.

Where the config on disk is broken after an upgrade, the last good snapshot of the release before is
served. In form 1, a policy has a field for each thing that it may block, in the order of these
classes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from resolver.policy import codec
from resolver.policy.clauses import (
    Action,
    Clause,
    DefaultRule,
    HoursCondition,
    OwnRule,
    PolicyRules,
    Services,
)

_POLICIES, _SUBSCRIPTIONS, _SETTINGS = 2, 11, 12
"""Their places in a compiled config."""
_BLOCK_LOG = 7
"""Its place in the settings."""


@dataclass(frozen=True, slots=True)
class _OwnRule:
    name: bytes
    subtree: bool
    allow: bool
    text: str


@dataclass(frozen=True, slots=True)
class _HourlyBlock:
    hours: int
    outside: bool
    services: int


@dataclass(frozen=True, slots=True)
class _Clauses:
    """The fields of a policy that are clauses now."""

    blocked_services: int
    allow_and_deny: tuple[_OwnRule, ...]
    is_enforced: bool
    blocked_by_hours: tuple[_HourlyBlock, ...] = ()
    blocks_unlisted: bool = False
    allowed_services: int = 0


_ORDER = (
    *("name", "blocked_services", "allow_and_deny", "answer_mode", "sinkhole_v4", "sinkhole_v6"),
    *("is_enforced", "directives", "cited_grounds", "grounds_by_service", "contact", "upstream"),
    *("blocked_by_hours", "blocks_unlisted", "allowed_services", "title"),
)
"""The fields of a policy of form 1."""


def with_clauses(compiled: list[Any]) -> list[Any]:
    """A stored compiled config of form 1 in what this release can read."""
    readable = list(compiled)
    readable[_POLICIES] = [_policy(policy) for policy in compiled[_POLICIES]]
    # The fields of keys that went before form 2.
    readable[_SUBSCRIPTIONS] = [subscription[:3] for subscription in compiled[_SUBSCRIPTIONS]]
    readable[_SETTINGS] = settings = compiled[_SETTINGS][:10] + compiled[_SETTINGS][11:]
    if settings[_BLOCK_LOG] is not None:
        settings[_BLOCK_LOG] = settings[_BLOCK_LOG][1:]
    return readable


def _policy(stored: list[Any]) -> dict[str, Any]:
    if len(stored) > len(_ORDER):
        raise ValueError(f"{len(stored)} fields where at most {len(_ORDER)} are known")
    fields = dict(zip(_ORDER, stored, strict=False))
    stored_clauses = {name: fields.pop(name) for name in _Clauses.__slots__ if name in fields}
    clauses = tuple(_clauses(codec.decode(_Clauses, stored_clauses)))
    return {**fields, "clauses": codec.encode(clauses)}


def _clauses(stored: _Clauses) -> Iterator[Clause]:
    blocks = Action.BLOCK if stored.is_enforced else Action.COUNT
    if stored.allow_and_deny:
        yield PolicyRules(
            tuple(
                OwnRule(rule.name, rule.subtree, Action.PASS if rule.allow else blocks, rule.text)
                for rule in stored.allow_and_deny
            )
        )
    if stored.allowed_services:
        yield Services(stored.allowed_services, Action.PASS)
    if stored.blocked_services:
        yield Services(stored.blocked_services, blocks)
    for condition in stored.blocked_by_hours:
        yield Services(
            condition.services, blocks, HoursCondition(condition.hours, condition.outside)
        )
    if stored.blocks_unlisted:
        yield DefaultRule(blocks)
