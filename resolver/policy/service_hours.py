"""The hours at which alone a policy does something to a service, and when that changes next."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from heapq import merge
from typing import Final, NamedTuple

from resolver.policy.clauses import Action
from resolver.policy.compiled import CompiledConfig, Policy
from resolver.policy.effect import service_sets
from resolver.policy.moment import hours_at, moments_after


@dataclass(frozen=True, slots=True)
class BlockingHours:
    """Hours within which, or outside of which, something is blocked or permitted."""

    name: str
    outside: bool = False

    def __str__(self) -> str:
        return f"{'outside' if self.outside else 'within'} {self.name}"


class ServiceHours(NamedTuple):
    """When a policy does to a service what it does."""

    hours: tuple[BlockingHours, ...]
    """Empty where it does the same at all hours."""
    changes: float
    """Unix time at which it does something else next; ``inf`` where it never does."""

    @property
    def text(self) -> str:
        """The hours, such as ``within office``."""
        return ", ".join(map(str, self.hours))


ALL_HOURS: Final = ServiceHours((), math.inf)


def service_hours(
    compiled: CompiledConfig, policy: Policy, service: int, does: Action, wall: float
) -> ServiceHours:
    """The hours at which a policy does this to a service, by its index.

    Their next change is that after ``wall``, in Unix time.
    """
    hours = clause_hours(compiled, policy, service, does)
    does_now = _does(compiled, policy, service, does, wall)
    changes = (
        moment
        for moment in _moments_after(compiled, policy, service, wall)
        if _does(compiled, policy, service, does, moment) is not does_now
    )
    return ServiceHours(hours, next(changes, math.inf))


def clause_hours(
    compiled: CompiledConfig, policy: Policy, service: int, does: Action
) -> tuple[BlockingHours, ...]:
    """The hours alone: ``ServiceHours.hours``."""
    clauses = [e for e in policy.on_services if e.services >> service & 1 and e.does is does]
    parts = [clause.within for clause in clauses if clause.within is not None]
    if len(parts) < len(clauses):
        return ()  # a clause holds at all hours
    return tuple(BlockingHours(compiled.hours[part.hours].name, part.outside) for part in parts)


def _does(
    compiled: CompiledConfig, policy: Policy, service: int, does: Action, wall: float
) -> bool:
    """Whether the policy does this to a service at a moment."""
    done = service_sets(policy, hours_at(compiled, wall)).doing[does]
    return bool(done >> service & 1)


def _moments_after(
    compiled: CompiledConfig, policy: Policy, service: int, wall: float
) -> Iterable[float]:
    """The moments at which hours of clauses on the service begin and end."""
    on = [clause.within for clause in policy.on_services if clause.services >> service & 1]
    indexes = {condition.hours for condition in on if condition is not None}
    return merge(*(moments_after(compiled.hours[index], wall) for index in indexes))
