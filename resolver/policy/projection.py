"""A compiled policy as plain values of the fields that a comparison is for (``policy.facets``).

Two policies that decide alike have equal values, whatever the order of their tables: an index
becomes what it refers to, and the order of several values does not count. A field enters by its
name, and not where it has the value that stands for its absence (``facets.Row.absent``).
"""

import dataclasses
import json
from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import chain
from typing import Any, assert_never

from resolver.policy import codec
from resolver.policy.clauses import (
    Action,
    Clause,
    DefaultRule,
    HoursCondition,
    PolicyRules,
    Services,
)
from resolver.policy.compiled import CompiledConfig, Policy
from resolver.policy.facets import FIELDS, Facet, deciding
from resolver.policy.services import services_in

Fields = tuple[tuple[str, object], ...]
"""Names and values."""


class Projection:
    """The fields of some facets, of what is in a compiled config."""

    def __init__(self, compiled: CompiledConfig, facets: Facet) -> None:
        self._compiled = compiled
        self._facets = facets

    def of(self, value: object, **instead: object) -> Fields:
        """The fields of a dataclass; ``instead`` are the values of those that have an index."""
        kind: Any = type(value)
        stored = codec.stored_names(kind)
        plain = {
            field: instead[field] if field in instead else self._plain(getattr(value, field))
            for field in deciding(kind, self._facets)
        }
        return tuple(
            (stored[field], of_field)
            for field, of_field in sorted(plain.items())
            if of_field != FIELDS[f"{kind.__name__}.{field}"].absent
        )

    def policy(self, policy: Policy, **instead: object) -> Fields:
        """A policy with its clauses and grounds."""
        clauses = () if "clauses" in instead else ordered(self._clauses(policy.clauses, policy))
        given: dict[str, object] = {
            "clauses": clauses,
            "cited_grounds": self.of(policy.cited_grounds[0]),
            "grounds_by_service": (),  # those of the clauses on services
        }
        return self.of(policy, **given | instead)

    def beside_own_rules(self, policy: Policy) -> tuple[object, ...]:
        """All of a policy but its own rules, and what decides of the services that it names."""
        others = [clause for clause in policy.clauses if not isinstance(clause, PolicyRules)]
        clauses = frozenset(self._clauses(others, policy))
        of_services = services_in(policy.used_services, self._of_services)
        return self.policy(policy, clauses=clauses), frozenset(of_services)

    def clauses_beside_lists(self, policy: Policy) -> tuple[object, ...]:
        """What clauses do beside lists and own rules, which an ``Effect`` has as they are now."""
        return tuple(chain.from_iterable(map(self._beside_lists, policy.clauses)))

    def _beside_lists(self, clause: Clause) -> tuple[object, ...]:
        match clause:
            case Services() | PolicyRules():
                return ()
            case DefaultRule():
                return self.of(clause)
            case _:
                assert_never(clause)

    @cached_property
    def _of_services(self) -> tuple[Fields, ...]:
        return tuple(map(self.of, self._compiled.services))

    def reply(self, policy: Policy, *, canary: bool) -> tuple[object, ...]:
        """How a policy answers a blocked query, by the fields that decide it.

        A canary domain gets NXDOMAIN in each answer mode (``policy.answers``).
        """
        fixed = {"answer": "nxdomain", "sinkhole_v4": "", "sinkhole_v6": ""} if canary else {}
        fields = deciding(Policy, Facet.REPLY)
        return tuple([fixed.get(field, getattr(policy, field)) for field in fields])

    def _clauses(self, clauses: Iterable[Clause], policy: Policy) -> Iterator[tuple[object, ...]]:
        """Clauses of a policy; a service is in one for each action at the same hours."""
        cited = [*map(self.of, policy.cited_grounds)]
        grounds = [cited[index] for index in policy.grounds_by_service]
        for clause in clauses:
            match clause:
                case PolicyRules(rules=rules):
                    yield from (("rule", *self.of(clause, rules=self.of(rule))) for rule in rules)
                case Services(services=services, does=does, within=within):
                    when = self._when(within)
                    named = zip(self._compiled.services, grounds, strict=True)
                    for service, ground in services_in(services, named):
                        fields = self.of(clause, services=service.name, within=when)
                        yield "service", *fields, *(() if does is Action.PASS else ground)
                case DefaultRule():
                    yield "unlisted", *self.of(clause)
                case _:
                    assert_never(clause)

    def _when(self, within: HoursCondition | None) -> object:
        if within is None:
            return ""
        return self.of(within, hours=self.of(self._compiled.hours[within.hours]))

    def _plain(self, value: object) -> object:
        """A value as JSON has it."""
        if isinstance(value, bytes):
            return value.hex()
        if isinstance(value, tuple):
            return ordered(map(self._plain, value))
        return self.of(value) if dataclasses.is_dataclass(value) else value


def ordered(values: Iterable[object]) -> tuple[object, ...]:
    """Values in an order of their own: that in which they come does not count."""
    return tuple(sorted(values, key=json.dumps))
