"""What the status page shows of the figures: small plots of the last day, week and month.

A plot has a bar for an hour, six hours or a day. Its bars are as high as their share of its
highest.
"""

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

from resolver.audit.figures.counts import Labels
from resolver.audit.figures.small_counts import is_coarse
from resolver.audit.figures.spans import SPANS, Bars, read_spans
from resolver.metrics.layout import UNKNOWN

_KEPT = 300.0
"""Seconds for which what was read is shown: the script of the page asks every few seconds."""
_HEIGHT = 10
_SERVICES = 8
"""Services of a VLAN that have a row; the others have one together."""
_SHOWN = ("blocked", "would_block", "exempted")


@dataclass(frozen=True, slots=True)
class Plot:
    """The bars of a span."""

    bars: int
    path: str
    """The bars as an SVG path, in a box as wide as their number and 10 high; may be empty."""
    queries: int


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """Queries of a VLAN with one service and outcome, or those that have no row of their own."""

    service: str
    outcome: str
    """Empty for the rest."""
    plots: tuple[Plot, ...]
    """In the order of ``SPANS``."""


@dataclass(frozen=True, slots=True)
class VlanHistory:
    """The rows of a VLAN, the most frequent first."""

    vlan: str
    rows: tuple[HistoryRow, ...]


class History:
    """Reads the figures of a server for its page, in a thread, and keeps them for some minutes."""

    def __init__(self, directory: Path, zone: Callable[[], ZoneInfo]) -> None:
        self._directory = directory
        self._zone = zone
        self._read: Mapping[str, Bars] = {}
        self._until = 0.0
        self._reading = asyncio.Lock()

    async def vlans(self) -> list[VlanHistory]:
        """Each VLAN of the last month that has asked for something of a rule."""
        async with self._reading:
            if time.monotonic() >= self._until:
                self._read = await asyncio.to_thread(
                    read_spans, self._directory, time.time(), self._zone()
                )
                self._until = time.monotonic() + _KEPT
        return list(vlan_histories(self._read))


def vlan_histories(history: Mapping[str, Bars]) -> Iterator[VlanHistory]:
    """The VLANs by their names, with the rows of each."""
    spans = [history.get(span.name, {}) for span in SPANS]
    totals: dict[Labels, int] = {}
    for bars in spans:
        for labels, queries in bars.items():
            if labels.outcome in _SHOWN and labels.vlan != UNKNOWN and not is_coarse(labels):
                totals[labels] = totals.get(labels, 0) + sum(queries)
    for vlan in sorted({labels.vlan for labels in totals}):
        of_vlan = [labels for labels in totals if labels.vlan == vlan]
        of_vlan.sort(key=lambda labels: (-totals[labels], labels))
        rows = [_row(spans, [labels]) for labels in of_vlan[:_SERVICES]]
        if rest := of_vlan[_SERVICES:]:
            rows.append(_row(spans, rest))
        yield VlanHistory(vlan, tuple(rows))


def _row(spans: list[Bars], together: list[Labels]) -> HistoryRow:
    first = together[0] if len(together) == 1 else Labels("", "", "")
    plots = []
    for span, bars in zip(SPANS, spans, strict=True):
        added = [bars[labels] for labels in together if labels in bars]
        plots.append(plot([sum(column) for column in zip(*added, strict=True)], span.bars))
    return HistoryRow(first.service, first.outcome, tuple(plots))


def plot(values: list[int], bars: int) -> Plot:
    """The plot of values; no values are zeros."""
    most = max(values, default=0)
    parts = []
    for place, value in enumerate(values):
        if value:
            high = max(_HEIGHT * value / most, 0.6)  # one query among thousands is still seen
            parts.append(f"M{place}.1 {_HEIGHT}v-{high:.1f}h.8V{_HEIGHT}")
    return Plot(bars, "".join(parts), sum(values))
