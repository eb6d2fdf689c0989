"""Read the whole audit log in one pass, and find where it is not as it was written."""

import hashlib
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Final, NamedTuple

from resolver.evidence.journal import BESIDE, JOURNAL, Journal, Line, hash_of, lines
from resolver.evidence.record import Event, Head, Record, line_hash, read_head, read_record

_ROUNDED: Final = 0.001
"""Seconds by which CLOCK_BOOTTIME may seem to go back: it is computed of two rounded numbers."""


class What(StrEnum):
    """In which way the log is not as it was written."""

    TAKEN_OUT = "taken_out"
    CHANGED = "changed"
    MOVED = "moved"
    NO_RECORD = "no_record"
    NO_BEGIN = "no_begin"
    BOOTTIME_BACK = "boottime_back"
    EARLIER_CHANGED = "earlier_changed"
    HEAD_AHEAD = "head_ahead"
    NO_HEAD = "no_head"
    LOST = "lost"


class Break(NamedTuple):
    """Where records are not joined to those before them."""

    what: What
    place: str
    after: int
    """How many records are before it."""
    number: int = 0
    """Of the record that was to be there."""
    hash: str = ""


class Reading:
    """One pass over the log: first its ``records``, then its ``breaks``."""

    def __init__(self, state: Path) -> None:
        self._state = state
        self.breaks: list[Break] = []
        self.removed: list[Head] = []
        """The last record of each file that went by the bound."""
        self.first: Record | None = None
        self.last: Record | None = None
        """Without lines of releases before 1.2."""
        self.old_lines = 0
        """Lines of these releases before the first record."""
        self.numbered = 0
        """Records so far, without these lines."""
        self._count = 0
        self._is_foreign = False
        """Whether the line before is one that this log has not written."""

    def records(self) -> Iterator[Record]:
        """Every record, the oldest first, with number 0 for lines of releases before 1.2.

        Raises:
            OSError: a file exists and cannot be read.
        """
        head = Journal(self._state).head()  # first: the log may go on meanwhile
        has_head = False
        before, file, digest = "", "", hashlib.sha256()
        for line in lines(self._state):
            if line.file != file:
                file, digest = line.file, hashlib.sha256()
            record = read_record(line.text, f"{file}, line {line.number}")
            if record is not None and record.number:
                self.numbered += 1
                self._join(record, before, file, digest.hexdigest())
                has_head |= record.head == head
            else:
                self._take_foreign(line)
            if record is not None:
                self._count += 1
                yield record
            before = line_hash(line.text)
            digest.update(line.text + b"\n")
        self._end(head, has_head)

    def whole_from(self) -> int:
        """The index of the first record that is joined to all after it, when all are read."""
        return max((each.after for each in self.breaks), default=0)

    def _take_foreign(self, line: Line) -> None:
        """Take a line that this log has not written."""
        if self.last is None:
            self.old_lines += 1
        elif not self._is_foreign:
            self._is_foreign = True
            self._break(What.NO_RECORD, f"{line.file}, line {line.number}")

    def _join(self, record: Record, before: str, file: str, digest: str) -> None:
        """Note where a record does not follow what is before it."""
        last, self.last, self._is_foreign = self.last, record, False
        if record.event == Event.ADOPTED:
            if not self._is_adopted(record, file, digest):
                self._break(What.EARLIER_CHANGED, record.place)
        elif last is None and self.old_lines:
            self._break(What.NO_RECORD, record.place)
        if last is None:
            self.first = record
        elif record.number != last.number + 1:
            what = What.TAKEN_OUT if record.number > last.number else What.MOVED
            self._break(what, record.place, last.number + 1)
        elif record.before not in (before, last.hash):
            self._break(What.CHANGED, record.place, last.number)
        elif record.boot and record.boot == last.boot and record.up < last.up - _ROUNDED:
            self._break(What.BOOTTIME_BACK, record.place, record.number)
        if record.event == Event.LOST:
            expected = read_head(record.plain.get("expected")) or Head(0, "")
            self._break(What.LOST, record.place, *expected)
        if record.event == Event.ROTATED and (gone := read_head(record.plain.get("removed"))):
            self.removed.append(gone)

    def _is_adopted(self, record: Record, file: str, digest: str) -> bool:
        """Whether the lines before a record, and the files beside it, have the hashes it says."""
        files = record.plain.get("files")
        if not isinstance(files, dict) or record.plain.get("lines") != digest:
            return False
        kept = [each for each in BESIDE if each in files and each != file]
        return all(hash_of(self._state / each) == files[each] for each in kept)

    def _end(self, head: Head | None, has_head: bool) -> None:
        """Note what is known when all is read."""
        first, last = self.first, self.last
        if first and first.number > 1 and Head(first.number - 1, first.before) not in self.removed:
            self.breaks.insert(0, Break(What.NO_BEGIN, first.place, 0, first.number))
        if head is not None and not has_head and head not in self.removed:
            self._break(What.HEAD_AHEAD, JOURNAL, *head)
        elif head is None and last is not None and last.number > 1:
            self._break(What.NO_HEAD, JOURNAL, last.number)

    def _break(self, what: What, place: str, number: int = 0, sha256: str = "") -> None:
        self.breaks.append(Break(what, place, self._count, number, sha256))
