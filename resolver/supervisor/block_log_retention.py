"""Which files a log that grows may keep, by their names, sizes and days. Pure.

``blocks.jsonl`` is written to. Each day, and when it has grown too large, it is put aside
as ``blocks-2026-07-05-000.jsonl``, with the day (UTC) of its lines and a number.

What must stay true:
- What is not named so is never removed.
"""

import datetime as dt
import re
from collections.abc import Iterable
from dataclasses import dataclass

_PARTS = 16
"""Files that the size allowed for all is divided among."""


@dataclass(frozen=True, slots=True)
class Retention:
    """How long, and how much, may be kept."""

    days: int
    max_bytes: int

    def is_full(self, size: int) -> bool:
        """Whether a file has grown so much that another is to be begun."""
        return size >= self.max_bytes // _PARTS

    def outdated(
        self, aside: Iterable[tuple["RotatedFile", int]], today: dt.date, size: int
    ) -> set[str]:
        """Of the files put aside, with their sizes, those to remove.

        ``size`` is that of the file which is written to.
        """
        remove = set()
        total = size
        for each, octets in sorted(aside, key=lambda pair: pair[0], reverse=True):
            total += octets
            if (today - each.day).days > self.days or total > self.max_bytes:
                remove.add(each.name)
        return remove


@dataclass(frozen=True, slots=True, order=True)
class RotatedFile:
    """A file that was put aside."""

    day: dt.date
    number: int
    name: str


def read_name(name: str, written: str) -> RotatedFile | None:
    """A file that was put aside, by its name; None where it is another file."""
    stem, suffix = _parted(written)
    pattern = re.escape(stem) + r"-(\d{4}-\d\d-\d\d)-(\d{3,})" + re.escape(suffix)
    found = re.fullmatch(pattern, name, re.ASCII)
    if found is None:
        return None
    try:
        return RotatedFile(dt.date.fromisoformat(found[1]), int(found[2]), name)
    except ValueError:
        return None


def next_name(names: Iterable[str], written: str, day: dt.date) -> str:
    """The name that a file with lines of a day is put aside under."""
    aside = (read_name(name, written) for name in names)
    taken = [each.number for each in aside if each is not None and each.day == day]
    stem, suffix = _parted(written)
    return f"{stem}-{day}-{max(taken, default=-1) + 1:03}{suffix}"


def _parted(name: str) -> tuple[str, str]:
    stem, dot, suffix = name.rpartition(".")
    return (stem, dot + suffix) if stem else (name, "")
