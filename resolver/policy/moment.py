"""What of a policy is in force at a moment: the only comparison of an exemption's end with a clock.

All moments are in seconds since 1970. An exemption is in force until its end, and not at it.
"""

import math
from collections.abc import Iterator
from typing import NamedTuple

from resolver.policy.compiled import CompiledConfig


class InForce(NamedTuple):
    """What is in force, and between which moments nothing of it changes."""

    exemptions: frozenset[int]
    """The places of the exemptions that have not ended."""
    since: float
    """The last moment at which something has changed; ``-inf`` where nothing has."""
    until: float
    """The next moment at which something changes; ``inf`` where nothing does."""

    def lasts(self, wall: float) -> bool:
        """Whether the same is in force at another moment; the clock may also be set back."""
        return self.since <= wall < self.until


def ended(until: float, wall: float) -> bool:
    """Whether an exemption until a moment has ended at another."""
    return wall >= until


def in_force(compiled: CompiledConfig, wall: float) -> InForce:
    """What is in force at a moment."""
    running: set[int] = set()
    since, until = -math.inf, math.inf
    for place, exemption in enumerate(compiled.exemptions):
        if ended(exemption.ends_at, wall):
            since = max(since, exemption.ends_at)
        else:
            running.add(place)
            until = min(until, exemption.ends_at)
    return InForce(frozenset(running), since, until)


def ends(compiled: CompiledConfig) -> Iterator[tuple[str, float]]:
    """The id of each exemption, and the moment at which it ends."""
    return ((each.id, each.ends_at) for each in compiled.exemptions)
