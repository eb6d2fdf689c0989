"""The hash by which the chain over the audit log seals the figures of a time."""

import datetime as dt
import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final, NamedTuple

from resolver.figures import store
from resolver.figures.records import Figures

_DAY: Final = 86400.0


class SealedFigures(NamedTuple):
    """What a link of the chain says of the figures of a time."""

    hash: str
    """The SHA-256 of the counts and minutes that begin in it."""
    is_kept: bool
    """Whether they are to be there: False where retention has removed a file of that time."""
    node: str = ""
    time_zone: str = ""
    """By which its month was counted last."""


class KeptFigures:
    """The figures in a state directory. Times that are asked for in order are read by the day."""

    def __init__(self, state: Path) -> None:
        self._directory = state / store.NAME
        self._read = 0.0, 0.0
        self._figures = Figures("", "", (), (), ())

    def of(self, since: float, until: float) -> SealedFigures:
        """The figures that begin from one moment and before another.

        The first minutes of a month may be in the file of the month before, with the local hour
        that has them.

        Raises:
            FiguresError: a file cannot be read.
        """
        days = since // _DAY * _DAY, -(-until // _DAY) * _DAY
        if self._read != days:
            self._figures = store.read(self._directory, *days, or_raise=True)
            self._read = days
        text = "\n".join(sorted(_lines(_between(self._figures, since, until))))
        present = (path.stem for path in self._directory.glob("*.sqlite"))
        oldest = min([*present, store.oldest_kept(dt.datetime.now(dt.UTC).date())])
        return SealedFigures(
            hashlib.sha256(text.encode()).hexdigest(),
            store.first_month(since) >= oldest,
            *store.node_and_zone(self._directory, store.month_of(since)),
        )


def _between(figures: Figures, since: float, until: float) -> Figures:
    return replace(
        figures,
        counts=tuple(each for each in figures.counts if since <= each.hour < until),
        minutes=tuple(each for each in figures.minutes if since <= each.at < until),
    )


def _lines(figures: Figures) -> Iterator[str]:
    """A text of each count and each minute, whatever the form of the files is."""
    for each in figures.counts:
        labels = (each.vlan, each.service, each.outcome)
        yield f"count {each.hour} {labels!r} {each.queries}"
    for minute in figures.minutes:
        serving = int(minute.serving)
        yield f"minute {minute.at} {minute.policy!r} {serving} {minute.tested.value}"
