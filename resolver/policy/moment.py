"""What of a policy is in force at a moment: the only comparison of its times with a clock.

All moments are in seconds since 1970. An exemption is in force at its beginning, and no longer at
its end. An exemption with hours is in force within these hours only.
"""

import math
from bisect import bisect_right
from collections.abc import Iterator
from itertools import islice
from typing import Final, NamedTuple

from resolver.policy.compiled import CompiledConfig, Hours

_AHEAD: Final = 400 * 86400.0
"""In seconds."""


class InForce(NamedTuple):
    """What is in force, and between which moments nothing of it changes."""

    exemptions: frozenset[int]
    """The indexes of the exemptions that are in force."""
    hours: frozenset[int]
    """The indexes of the hours that hold."""
    since: float
    """The last moment at which something has changed; ``-inf`` where nothing has."""
    until: float
    """The next moment at which something changes; ``inf`` where nothing does."""

    def lasts(self, wall: float) -> bool:
        """Whether the same is in force at another moment; the clock may also be set back."""
        return self.since <= wall < self.until


NOTHING: Final = InForce(frozenset(), frozenset(), -math.inf, math.inf)
"""For what does not depend on the time."""


def depends_on_clock(compiled: CompiledConfig, wall: float) -> bool:
    """Whether anything begins or ends at a moment, before this one or after it."""
    now = in_force(compiled, wall)
    return math.isfinite(now.since) or math.isfinite(now.until)


def ended(until: float, wall: float) -> bool:
    """Whether an exemption until a moment has ended at another."""
    return wall >= until


def in_force(compiled: CompiledConfig, wall: float) -> InForce:
    """What is in force at a moment."""
    return in_force_with_hours(compiled, wall, hours_at(compiled, wall))


def hours_at(compiled: CompiledConfig, wall: float) -> frozenset[int]:
    """The indexes of the hours that hold at a moment."""
    return frozenset(
        index for index, hours in enumerate(compiled.hours) if bisect_right(hours.moments, wall) % 2
    )


def moments_after(hours: Hours, wall: float) -> Iterator[float]:
    """The moments after another at which hours begin and end."""
    return islice(hours.moments, bisect_right(hours.moments, wall), None)


def next_change(hours: Hours, wall: float) -> float:
    """The first moment after another at which hours begin or end; ``inf`` if there is none."""
    return next(moments_after(hours, wall), math.inf)


def all_hours(compiled: CompiledConfig) -> list[frozenset[int]]:
    """Every set of hours that hold together at some moment."""
    changes = {moment for hours in compiled.hours for moment in hours.moments}
    return list(dict.fromkeys(hours_at(compiled, wall) for wall in [-math.inf, *sorted(changes)]))


def hours_ahead(*configs: CompiledConfig, wall: float) -> list[tuple[frozenset[int], ...]]:
    """The sets of hours of several configs that hold together at some moment of a year from now."""
    moments = {wall}
    for hours in (named_hours for compiled in configs for named_hours in compiled.hours):
        moments.update(at for at in hours.moments if wall <= at < wall + _AHEAD)
    sets = (tuple([hours_at(compiled, at) for compiled in configs]) for at in sorted(moments))
    return list(dict.fromkeys(sets))


def in_force_with_hours(compiled: CompiledConfig, wall: float, hours: frozenset[int]) -> InForce:
    """What is in force at a moment, where these hours hold."""
    changes: list[float] = []
    for named_hours in compiled.hours:
        passed = bisect_right(named_hours.moments, wall)
        changes += named_hours.moments[max(passed - 1, 0) : passed + 1]
    running: set[int] = set()
    for index, exemption in enumerate(compiled.exemptions):
        changes += (exemption.from_, exemption.until)
        begun = exemption.from_ <= wall
        in_hours = exemption.hours is None or exemption.hours in hours
        if begun and in_hours and not ended(exemption.until, wall):
            running.add(index)
    return InForce(
        frozenset(running),
        hours,
        max([change for change in changes if change <= wall], default=-math.inf),
        min([change for change in changes if change > wall], default=math.inf),
    )


def ends(compiled: CompiledConfig) -> Iterator[tuple[str, float]]:
    """The id of each exemption, and the moment at which it ends."""
    return ((exemption.id, exemption.until) for exemption in compiled.exemptions)
