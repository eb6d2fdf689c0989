"""Watch how many of the queries to each upstream server have had no usable answer lately.

A server that is up may fail all the same: it answers with errors, or comes and goes. A server that
is a fallback alone is not judged: it is asked in a cut alone, also for names abroad, which nobody
finds then.
"""

import asyncio
from collections import deque
from collections.abc import Iterable
from typing import Final

from resolver.metrics.layout import CounterLayout, UpstreamCounts
from resolver.metrics.part import Part
from resolver.metrics.part_states import FailingUpstreams
from resolver.policy.upstream_groups import FALLBACK_GROUP
from resolver.supervisor.rollout import Rollout

_LOOK: Final = 15.0
"""Seconds between two looks."""
_LOOKS: Final = 20
"""Looks in the five minutes that are counted together."""
_LEAST: Final = 30
"""Queries in this time from which on a server is judged."""
_SHARE: Final = 0.25
"""The share of queries without a usable answer from which on a server fails. Names whose own
servers are broken, and lost packets, are usually fewer."""


class UpstreamWatch(Part):
    """Knows which upstream servers fail."""

    def __init__(self, rollout: Rollout) -> None:
        self._rollout = rollout
        self._failing = FailingUpstreams()
        self._counts: deque[dict[str, UpstreamCounts]] = deque(maxlen=_LOOKS + 1)

    def states(self) -> Iterable[object]:
        """The ``FailingUpstreams``."""
        yield self._failing

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            self.look()
            await asyncio.sleep(_LOOK)

    def look(self) -> None:
        """Count once, and say which servers fail."""
        layout: CounterLayout = self._rollout.layout
        self._counts.append(layout.upstream_counts([slot.cells for slot in self._rollout.slots]))
        first, now = self._counts[0], self._counts[-1]
        groups = self._rollout.current.hosts.groups()
        judged = {
            each["name"] for group in groups if group != FALLBACK_GROUP for each in groups[group]
        }
        failing = (
            name
            for name, counts in now.items()
            if name in judged and _fails(first.get(name, UpstreamCounts()), counts)
        )
        self._failing = FailingUpstreams(frozenset(failing))


def _fails(before: UpstreamCounts, now: UpstreamCounts) -> bool:
    """Whether too many of the queries between two moments had no usable answer."""
    unanswered = now.unanswered - before.unanswered
    queries = now.answered - before.answered + unanswered
    return queries >= _LEAST and unanswered >= _SHARE * queries
