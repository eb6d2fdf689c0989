"""Which files of the block log to keep, by their names, sizes and days. Pure.

``blocks.jsonl`` is the file that is written to. Each day, and when it is too large, it is renamed
to ``blocks-2026-07-05-000.jsonl``: the day (UTC) of its lines, and a number.

What must stay true:
- A file whose name has another form is never removed.
- A clock that has just jumped removes no file (``RetentionClock``): by a jump of ten years all
  would be too old.
"""

import datetime as dt
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePath

_PARTS = 16
"""A file is rotated when it has this part of the size that is allowed for all files."""


@dataclass(frozen=True, slots=True, order=True)
class RotatedFile:
    """A file that is no longer written to."""

    day: dt.date
    number: int
    name: str


@dataclass(frozen=True, slots=True)
class Retention:
    """How many days, and how many octets in all files together, to keep."""

    days: int
    max_bytes: int

    def is_full(self, size: int) -> bool:
        """Whether a file of this size is to be rotated."""
        return size >= self.max_bytes // _PARTS

    def outdated(
        self, rotated: Iterable[tuple[RotatedFile, int]], today: dt.date | None, size: int
    ) -> set[str]:
        """The names of the files to remove, of the rotated files with their sizes.

        ``size`` is that of the file that is written to. Without a day none is too old.
        """
        remove = set()
        total = size
        for file, octets in sorted(rotated, key=lambda pair: pair[0], reverse=True):
            total += octets
            is_old = today is not None and (today - file.day).days > self.days
            if is_old or total > self.max_bytes:
                remove.add(file.name)
        return remove


@dataclass(frozen=True, slots=True)
class BlockLogDays:
    """The days (UTC) that the files of a block log are of, each as in 2026-11-24."""

    first: str
    last: str
    gaps: tuple[str, ...]
    """The days between without a file: nothing was blocked, or the log was off, or its lines were
    lost or removed."""


def read_name(name: str, current: str) -> RotatedFile | None:
    """Read the name of a file rotated from the file ``current``; None where it is another file."""
    stem, suffix = PurePath(current).stem, PurePath(current).suffix
    pattern = re.escape(stem) + r"-(\d{4}-\d\d-\d\d)-(\d{3,})" + re.escape(suffix)
    match = re.fullmatch(pattern, name, re.ASCII)
    if match is None:
        return None
    try:
        return RotatedFile(dt.date.fromisoformat(match[1]), int(match[2]), name)
    except ValueError:
        return None


def days_of(
    names: Iterable[str], current: str, last_written: dt.date | None
) -> BlockLogDays | None:
    """The days of rotated files, and of the file ``current`` where it was written to; or None."""
    rotated = (read_name(name, current) for name in names)
    days = {file.day for file in rotated if file is not None}
    if last_written is not None:
        days.add(last_written)
    if not days:
        return None
    first, last = min(days), max(days)
    between = (first + dt.timedelta(days=number) for number in range((last - first).days))
    gaps = tuple(str(day) for day in between if day not in days)
    return BlockLogDays(str(first), str(last), gaps)


def next_name(names: Iterable[str], current: str, day: dt.date) -> str:
    """The name for the next rotated file with lines of a day."""
    rotated = (read_name(name, current) for name in names)
    taken = [file.number for file in rotated if file is not None and file.day == day]
    number = max(taken, default=-1) + 1
    return f"{PurePath(current).stem}-{day}-{number:03}{PurePath(current).suffix}"
