"""What the counters have gained, by local hour, until it is stored. Pure.

What must stay true:
- What was taken from the counters is taken once, and kept until it is stored or dropped. So the
  stored figures, what waits and what was dropped are together what the counters have gained.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping

from resolver.audit.figures.counts import REDIRECTED, HourFigures, Labels
from resolver.metrics.layout import QueryCount
from resolver.policy.verdict import PASSED, Outcome

MAX_HOURS = 48
"""Hours that may wait while they cannot be stored."""


class Increases:
    """Makes of counters, which only grow while the server runs, what they have gained."""

    def __init__(self) -> None:
        self._before: Counter[Labels] = Counter()

    def take(
        self, query_counts: Iterable[QueryCount], redirected: Mapping[str, int]
    ) -> Counter[Labels]:
        """What was counted since the call before; at first, since the server started.

        ``redirected`` has the redirected queries by VLAN.
        """
        now: Counter[Labels] = Counter()
        for count in query_counts:
            now[Labels(count.vlan, count.service, count.outcome.label)] += count.times
        for vlan, queries in redirected.items():
            now[Labels(vlan, "", REDIRECTED)] = queries
        gained = now - self._before  # only what is positive
        self._before = now
        return gained


def without_filter(counts: Counter[Labels]) -> Counter[Labels]:
    """The counts where what the national filter answers counts as passed, as by the policy."""
    shown = Counter[Labels]()
    for labels, queries in counts.items():
        is_of_filter = labels.outcome == Outcome.NATIONAL_FILTER.label
        shown[labels._replace(outcome=PASSED.label) if is_of_filter else labels] += queries
    return shown


class WaitingFigures:
    """The figures of the last hours that are not stored yet."""

    def __init__(self) -> None:
        self._hours: dict[int, HourFigures] = {}

    def add(self, figures: HourFigures) -> int:
        """Add to the figures of an hour; the queries that were dropped, since too much waits."""
        waiting = self._hours.setdefault(figures.hour, HourFigures(figures.hour))
        waiting.counts.update(figures.counts)
        waiting.minutes.extend(figures.minutes)
        waiting.cut += figures.cut
        waiting.answers += figures.answers
        if len(self._hours) <= MAX_HOURS:
            return 0
        oldest = next(iter(self._hours))  # in the order of coming, whatever the clock says
        counts = self._hours.pop(oldest).counts
        return sum(times for labels, times in counts.items() if labels.outcome != REDIRECTED)

    def since(self) -> float:
        """When the first of these hours begins; infinity where none waits."""
        return min(self._hours, default=math.inf)

    def take(self) -> list[HourFigures]:
        """All that waits, which then waits no more; what cannot be stored is added again."""
        taken, self._hours = list(self._hours.values()), {}
        return taken


def minute_of(end: float, now: float) -> int:
    """The beginning of the minute that was to end at a moment, where the clock says ``now``.

    After a jump of the clock it is the minute that the clock says.
    """
    went_on = abs(now - end) < 30.0
    return int(end if went_on else now) // 60 * 60 - 60 * went_on
