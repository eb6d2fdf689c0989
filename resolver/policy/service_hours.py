"""The hours at which alone a policy blocks a service, and when that changes next."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from heapq import merge
from typing import Final, NamedTuple

from resolver.policy.compiled import CompiledConfig, Policy
from resolver.policy.effect import blocked_within
from resolver.policy.moment import hours_at, moments_after


@dataclass(frozen=True, slots=True)
class BlockingHours:
    """Hours within which, or outside of which, something is blocked or permitted."""

    name: str
    outside: bool = False

    def __str__(self) -> str:
        return f"{'outside' if self.outside else 'within'} {self.name}"


class ServiceHours(NamedTuple):
    """When a policy blocks a service."""

    hours: tuple[BlockingHours, ...]
    """Empty where it blocks it at all hours or never."""
    changes: float
    """Unix time at which blocking begins or ends next; ``inf`` where it does neither."""

    @property
    def text(self) -> str:
        """The hours, such as ``within office``."""
        return ", ".join(map(str, self.hours))


ALL_HOURS: Final = ServiceHours((), math.inf)


def service_hours(
    compiled: CompiledConfig, policy: Policy, service: int, wall: float
) -> ServiceHours:
    """The hours of a service, by its index, and their next change after a moment."""
    hours = blocking_hours(compiled, policy, service)
    if not hours:
        return ALL_HOURS
    blocks_now = _blocks(compiled, policy, service, wall)
    changes = (
        moment
        for moment in _moments_after(compiled, policy, service, wall)
        if _blocks(compiled, policy, service, moment) is not blocks_now
    )
    return ServiceHours(hours, next(changes, math.inf))


def blocking_hours(
    compiled: CompiledConfig, policy: Policy, service: int
) -> tuple[BlockingHours, ...]:
    """The hours of a service alone: ``ServiceHours.hours``."""
    if policy.blocked_services >> service & 1:
        return ()
    return tuple(
        BlockingHours(compiled.hours[each.hours].name, each.outside)
        for each in policy.blocked_by_hours
        if each.services >> service & 1
    )


def _blocks(compiled: CompiledConfig, policy: Policy, service: int, wall: float) -> bool:
    return bool(blocked_within(policy, hours_at(compiled, wall)) >> service & 1)


def _moments_after(
    compiled: CompiledConfig, policy: Policy, service: int, wall: float
) -> Iterable[float]:
    """The moments at which hours that block the service begin and end."""
    indexes = {each.hours for each in policy.blocked_by_hours if each.services >> service & 1}
    return merge(*(moments_after(compiled.hours[index], wall) for index in indexes))
