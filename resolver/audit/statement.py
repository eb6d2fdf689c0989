"""What the report of a period states first: when the policy was in force, and on which nodes. Pure.

It is made of the certificate of each node (``NodeCoverage.intervals``).
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from resolver.audit.period_values import NodeCoverage


@dataclass(frozen=True, slots=True)
class Shortfall:
    """The times for which it is not known that the policy was in force on a node, and tested."""

    node: str
    why: str
    """As ``Interval.why``."""
    seconds: int


@dataclass(frozen=True, slots=True)
class Statement:
    """When the policy was in force on all nodes and tested."""

    shortfalls: tuple[Shortfall, ...]
    """The longest first."""
    tested: int
    """Seconds in which the policy was in force and tested, of all nodes added up."""
    of: int
    """The seconds of the period, as often as there are nodes."""
    differing: int
    """Seconds in which two nodes had policies with different hashes."""


def statement(nodes: Sequence[NodeCoverage]) -> Statement:
    """The statement about nodes, of which each has its intervals of the same period."""
    sums: Counter[tuple[str, str]] = Counter()
    for node in nodes:
        for interval in node.intervals:
            sums[node.node, interval.why] += interval.length
    shortfalls = [Shortfall(*key, seconds) for key, seconds in sums.items() if key[1]]
    shortfalls.sort(key=lambda shortfall: -shortfall.seconds)
    missing, of = sum(shortfall.seconds for shortfall in shortfalls), sums.total()
    return Statement(tuple(shortfalls), of - missing, of, _differing(nodes))


def _differing(nodes: Sequence[NodeCoverage]) -> int:
    """The seconds in which two nodes had different policies, as far as both are known."""
    changes: dict[int, Counter[str]] = defaultdict(Counter)
    for interval in (interval for node in nodes for interval in node.intervals):
        if interval.policy:
            changes[interval.begin][interval.policy] += 1
            changes[interval.end][interval.policy] -= 1
    seconds, since = 0, 0
    in_force: Counter[str] = Counter()
    for at, change in sorted(changes.items()):
        if sum(number > 0 for number in in_force.values()) > 1:
            seconds += at - since
        in_force.update(change)
        since = at
    return seconds
