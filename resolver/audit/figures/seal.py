"""The hash by which a record of the audit log seals the figures of a time."""

import datetime as dt
import hashlib
from bisect import bisect_left
from collections.abc import Iterator
from functools import cache, partial
from operator import itemgetter
from pathlib import Path
from typing import Final, NamedTuple

from resolver.audit.figures import store
from resolver.audit.figures.counts import Figures
from resolver.audit.figures.tables import Opening

_DAY: Final = 86400.0


class SealedFigures(NamedTuple):
    """What a seal says of the figures of a time."""

    hash: str
    """The SHA-256 of the counts and minutes that begin in it."""
    is_kept: bool
    """Whether they are to be there: False where retention has removed a file of that time."""
    node: str = ""
    time_zone: str = ""
    """By which its month was counted last."""


class KeptFigures:
    """The figures in a state directory, as they are now. Each day is read once, if asked in order.

    One object is for one look at them: what it knows of the files stays as it was.
    """

    def __init__(self, state: Path, opening: Opening) -> None:
        self._directory = state / store.NAME
        self._opening = opening
        self._days = 0.0, 0.0
        self._lines: list[tuple[float, str]] = []
        """Of these days: when each count or minute begins, and its text."""
        self._node_and_zone = cache(partial(store.node_and_zone, self._directory, opening))
        present = (path.stem for path in self._directory.glob("*.sqlite"))
        self._oldest = min([*present, store.oldest_kept(dt.datetime.now(dt.UTC).date())])

    def of(self, since: float, until: float) -> SealedFigures:
        """The figures that begin from one moment and before another.

        The first minutes of a month may be in the file of the month before, with the local hour
        that has them.

        Raises:
            FiguresError: a file cannot be read.
        """
        days = since // _DAY * _DAY, -(-until // _DAY) * _DAY
        if self._days != days:
            figures = store.read(self._directory, *days, opening=self._opening, or_raise=True)
            self._days, self._lines = days, sorted(_lines(figures), key=itemgetter(0))
        begin, end = (bisect_left(self._lines, at, key=itemgetter(0)) for at in (since, until))
        text = "\n".join(sorted(line for _, line in self._lines[begin:end]))
        return SealedFigures(
            hashlib.sha256(text.encode()).hexdigest(),
            store.first_month(since) >= self._oldest,
            *self._node_and_zone(store.month_of(since)),
        )


def _lines(figures: Figures) -> Iterator[tuple[float, str]]:
    """When each count and each minute begins, and its text, whatever the form of the files is."""
    for count in figures.counts:
        labels = (count.vlan, count.service, count.outcome)
        yield count.hour, f"count {count.hour} {labels!r} {count.queries}"
    for minute in figures.minutes:
        serving = int(minute.serving)
        yield minute.at, f"minute {minute.at} {minute.policy!r} {serving} {minute.tested.value}"
    for link in figures.links:
        yield link.hour, f"link {link.hour} {link.cut} {link.answers}"
