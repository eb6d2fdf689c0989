"""The figures of the last day, week and month, as the bars of small plots."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from resolver.audit.figures import store
from resolver.audit.figures.counts import Labels
from resolver.system.time_zones import utc_offset


@dataclass(frozen=True, slots=True)
class Span:
    """A time until now, in bars of the same length."""

    name: str
    bars: int
    seconds: int
    """Of one bar; the last one runs still."""

    def begin(self, at: float, zone: ZoneInfo) -> int:
        """When the first bar begins: bars begin with local hours or days."""
        offset = utc_offset(zone, int(at))
        last = (int(at) + offset) // self.seconds * self.seconds - offset
        return last - (self.bars - 1) * self.seconds


SPANS: Final = (Span("day", 24, 3600), Span("week", 28, 6 * 3600), Span("month", 30, 86_400))

Bars = Mapping[Labels, list[int]]
"""The queries in each bar of a span."""


def read_spans(directory: Path, at: float, zone: ZoneInfo) -> dict[str, Bars]:
    """The bars of each span until a moment, by the span's name; what cannot be read is left out."""
    history: dict[str, Bars] = {}
    for span in SPANS:
        begin = span.begin(at, zone)
        end = begin + span.bars * span.seconds
        bars: dict[Labels, list[int]] = {}
        for bar, labels, queries in store.sums(directory, begin, end, span.seconds):
            bars.setdefault(labels, [0] * span.bars)[bar] += queries
        history[span.name] = bars
    return history
