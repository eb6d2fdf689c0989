"""The figures of a node on disk: <state>/figures/2026-11.sqlite, a file a month (UTC).

How it works: one process writes, the supervisor; commands read. Each call opens a file anew, so a
file that was removed or put back from a backup is followed. An hour is in the file of the month in
which it begins, with its minutes. So an hour is never in two files, and removing a file removes a
month.

What must stay true:
- The figures of an hour are added in one transaction: all of them or none.
- A file whose content is damaged gets another name and is kept. A new one begins. A row of another
  month is damage, too: no seal of that month would show it.
"""

import contextlib
import datetime as dt
import math
import re
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from sqlite3 import Connection
from typing import NamedTuple

from resolver.audit.figures import tables
from resolver.audit.figures.counts import Figures, HourFigures, Labels
from resolver.audit.figures.tables import DamagedFiguresError, FiguresError, Opening
from resolver.system.files import make_directory

NAME = "figures"
"""The directory in the state directory."""
MONTHS = 14
"""Months that are kept, with the one that runs, and the one before that has begun."""
_MONTH = r"((?:19|2\d)\d\d-(?:0[1-9]|1[0-2]))"
_FILE = re.compile(rf"{_MONTH}\.sqlite")
_ASIDE = re.compile(rf"{_MONTH}\.damaged-(\d)")
_ASIDES = 3
"""Damaged files that are kept of a month; of more, the last replaces the one before."""
_HOUR, _MINUTE = 3600, 60
_LONGER_THAN_A_MONTH = 32 * 86400


class FigureStore:
    """Adds to the figures of this node."""

    def __init__(self, directory: Path, node: str) -> None:
        self.directory = directory
        self._node = node
        self._checked: set[tuple[str, int]] = set()
        """The files, by name and inode, whose whole content was read once."""

    def add(self, figures: HourFigures, time_zone: str) -> str:
        """Add to the figures of an hour of a time zone.

        Returns:
            Why a damaged file of the month was set aside, and under which name; empty where none
            was.

        Raises:
            FiguresError: nothing was added.
        """
        path = self.directory / f"{month_of(figures.hour)}.sqlite"
        try:
            make_directory(self.directory)
            try:
                self._add(path, figures, time_zone)
            except DamagedFiguresError as error:
                aside = _set_aside(path)
                self._add(path, figures, time_zone)
                return f"{error}; the file is kept as {aside.name}"
        except OSError as error:
            raise FiguresError(f"{path.name}: {error.strerror}") from error
        return ""

    def _add(self, path: Path, figures: HourFigures, time_zone: str) -> None:
        with tables.opened(path, "rwc") as database:
            database.execute("BEGIN IMMEDIATE")
            if tables.is_empty(database):
                tables.create(database)
            else:
                self._check_once(path, database)
            tables.note(database, {"node": self._node, "time_zone": time_zone}.items())
            tables.add(database, figures)
            database.execute("COMMIT")

    def _check_once(self, path: Path, database: Connection) -> None:
        known = path.name, path.stat().st_ino
        if known in self._checked:
            tables.check_tables(database, path)
        else:
            tables.check(database, path)
            _check_rows(database, path)
            self._checked = {known}

    def remove_before(self, month: str, keep: int) -> list[str]:
        """Remove the files of the months before one, such as 2026-11; the ``keep`` newest stay.

        Raises:
            OSError: a file cannot be removed.
        """
        months = sorted(_months(self.directory))
        old = [old_month for old_month in months[: max(0, len(months) - keep)] if old_month < month]
        for old_month in old:
            for path in (
                self.directory / f"{old_month}.sqlite",
                *_asides(self.directory, old_month),
            ):
                path.unlink(missing_ok=True)
        return old


def month_of(at: float) -> str:
    """The month (UTC) of a moment in seconds since 1970, such as 2026-11."""
    return f"{dt.datetime.fromtimestamp(at, dt.UTC):%Y-%m}"


def begin_of(month: str) -> float:
    """When a month (UTC), such as 2026-11, begins, in seconds since 1970."""
    return dt.datetime.fromisoformat(f"{month}-01T00:00+00:00").timestamp()


def month_end(at: float) -> float:
    """When the month of a moment ends."""
    return begin_of(month_of(begin_of(month_of(at)) + _LONGER_THAN_A_MONTH))


def oldest(directory: Path) -> float | None:
    """When the oldest month begins that has a file; None where none has."""
    month = min(_months(directory), default=None)
    return None if month is None else begin_of(month)


def oldest_kept(day: dt.date) -> str:
    """The oldest month whose figures are kept on a day, such as 2025-09."""
    number = day.year * 12 + day.month - 1 - MONTHS
    return f"{number // 12:04}-{number % 12 + 1:02}"


def first_month(since: float) -> str:
    """The month whose file has the first minutes from a moment on: with their hour's begin."""
    return month_of(since - _HOUR)


def read(
    directory: Path,
    since: float,
    until: float,
    *,
    opening: Opening = tables.to_read,
    or_raise: bool = False,
) -> Figures:
    """The figures of the hours and minutes that begin in a period, of the node of a directory.

    ``since`` and ``until`` are in seconds since 1970; ``until`` is excluded. What cannot be read
    is in ``damaged``, and the rest is read; FiguresError in its place with ``or_raise``.
    """
    figures = Figures("", "", (), (), ())
    first, last = first_month(since), month_of(until)
    for month in sorted(_months(directory)):
        if first <= month <= last:
            figures = _with_month(figures, directory, month, (since, until), opening, or_raise)
    return figures


def node_and_zone(directory: Path, opening: Opening, month: str) -> tuple[str, str]:
    """The node that has the figures of a month, and the time zone by which it counted last.

    Empty where there is no file. FiguresError where it cannot be read.
    """
    path = directory / f"{month}.sqlite"
    if not _is_begun(path):
        return "", ""
    figures = _read(path, (0, 0), opening)
    return figures.node, figures.time_zone


def unreadable(directory: Path, opening: Opening) -> Iterator[tuple[str, FiguresError]]:
    """The months whose files cannot be read, and why."""
    for month in sorted(_months(directory)):
        try:
            node_and_zone(directory, opening, month)
        except FiguresError as error:
            yield month, error


class UnrecordedTime(NamedTuple):
    """A time without a recorded minute."""

    begin: float
    """In seconds since 1970, as ``end``."""
    end: float
    """Infinity where no minute was recorded since."""


def gap_at(directory: Path, moment: float, opening: Opening) -> UnrecordedTime | None:
    """The time without a recorded minute that has a moment.

    None where there is none, or none is known: since nothing is recorded before the moment, or a
    file cannot be read or was set aside.
    """
    months, this_month = sorted(_months(directory)), month_of(moment)
    begin, end = -math.inf, math.inf
    try:
        for month in reversed([month for month in months if month <= this_month]):
            last, after = _minutes_around(directory, month, moment, opening)
            end = end if after is None else after
            if last is not None:
                begin = last + _MINUTE
                break
        for month in (month for month in months if month > this_month and end == math.inf):
            _, after = _minutes_around(directory, month, moment, opening)
            end = end if after is None else min(end, after)
    except FiguresError:
        return None
    return UnrecordedTime(begin, end) if -math.inf < begin and begin + _MINUTE <= moment else None


def _minutes_around(
    directory: Path, month: str, moment: float, opening: Opening
) -> tuple[int | None, int | None]:
    """Those that a month's file has; FiguresError where it cannot be read, or was set aside."""
    if _asides(directory, month):
        raise FiguresError(f"{month}: set aside")
    with _checked(directory / f"{month}.sqlite", opening) as database:
        return tables.minutes_around(database, moment)


def sums(directory: Path, since: int, until: int, step: int) -> Iterator[tuple[int, Labels, int]]:
    """The counts of a period by its steps of seconds; what cannot be read is left out.

    Yields the step's place in the period, the labels, and the queries; of a step that lies in two
    months, two.
    """
    for month in sorted(_months(directory)):
        path = directory / f"{month}.sqlite"
        if month_of(since) <= month <= month_of(until) and _is_begun(path):
            with contextlib.suppress(FiguresError), _checked(path, tables.to_read) as database:
                yield from tables.sums(database, since, until, step)


def _with_month(
    figures: Figures,
    directory: Path,
    month: str,
    period: tuple[float, float],
    opening: Opening,
    or_raise: bool,
) -> Figures:
    damaged = [f"{path.name}: set aside" for path in _asides(directory, month)]
    path = directory / f"{month}.sqlite"
    try:
        if _is_begun(path):
            figures = _joined(figures, _read(path, period, opening))
    except FiguresError as error:
        if or_raise:
            raise
        damaged.append(str(error))
    return replace(figures, damaged=(*figures.damaged, *damaged))


def _joined(earlier: Figures, later: Figures) -> Figures:
    minutes = {minute.at: minute for minute in (*earlier.minutes, *later.minutes)}
    return Figures(
        later.node or earlier.node,
        later.time_zone or earlier.time_zone,
        (*earlier.counts, *later.counts),
        tuple(minutes[at] for at in sorted(minutes)),
        (*earlier.damaged, *later.damaged),
        (*earlier.links, *later.links),
    )


def _is_begun(path: Path) -> bool:
    """Whether there is more than an empty file, which SQLite makes before it writes the tables."""
    with contextlib.suppress(FileNotFoundError):
        status = path.stat()
        return status.st_size > 0 or not stat.S_ISREG(status.st_mode)
    return False


def _read(path: Path, period: tuple[float, float], opening: Opening) -> Figures:
    with _checked(path, opening) as database:
        return tables.figures(database, *period)


@contextlib.contextmanager
def _checked(path: Path, opening: Opening) -> Iterator[Connection]:
    """Open the file of a month to read it; DamagedFiguresError where its content is damaged.

    The whole file is checked whatever is read of it: SQLite also reads a page of zeros, and gives
    values of other types than the tables have.
    """
    with opening(path) as database:
        tables.check(database, path)
        _check_rows(database, path)
        yield database


def _check_rows(database: Connection, path: Path) -> None:
    """Raise where the file of a month has a row of another month, or a count below 0."""
    begin = begin_of(path.stem)
    tables.check_rows(database, path, begin, month_end(begin))


def _months(directory: Path) -> set[str]:
    """The months that have a file, also a damaged one."""
    try:
        names = [path.name for path in directory.iterdir()]
    except FileNotFoundError:
        return set()
    matches = (_FILE.fullmatch(name) or _ASIDE.fullmatch(name) for name in names)
    return {match[1] for match in matches if match is not None}


def _asides(directory: Path, month: str) -> list[Path]:
    """The damaged files of a month that were set aside."""
    paths = (directory / f"{month}.damaged-{number}" for number in range(1, _ASIDES + 1))
    return [path for path in paths if path.exists()]


def _set_aside(path: Path) -> Path:
    """Give a damaged file a name that is not read, and remove what belongs to it."""
    taken = len(_asides(path.parent, path.stem))
    aside = path.with_name(f"{path.stem}.damaged-{min(taken + 1, _ASIDES)}")
    path.replace(aside)
    path.with_name(f"{path.name}-journal").unlink(missing_ok=True)
    return aside
