"""Read the whole audit log in one pass, and find where it is not as it was written."""

import hashlib
from collections.abc import Collection, Iterator
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from resolver.audit.journal import (
    BESIDE,
    EARLIER,
    JOURNAL,
    Journal,
    Line,
    hash_of,
    is_full,
    lines,
)
from resolver.audit.record import AuditRecord, Event, Head, line_hash, read_head, read_record


class What(StrEnum):
    """In which way the log is not as it was written."""

    TAKEN_OUT = "taken_out"
    CHANGED = "changed"
    MOVED = "moved"
    NO_RECORD = "no_record"
    NO_BEGIN = "no_begin"
    EARLY_ROTATION = "early_rotation"
    BOOTTIME_BACK = "boottime_back"
    EARLIER_CHANGED = "earlier_changed"
    HEAD_AHEAD = "head_ahead"
    NO_HEAD = "no_head"
    LOST = "lost"


class Break(NamedTuple):
    """Where the log is not as it was written."""

    what: What
    place: str
    after: int
    """How many records are before it."""
    number: int = 0
    """Of the record that was to be there."""
    hash: str = ""
    is_gap: bool = False
    """Whether only what was between two records is gone: the later one has the hash of those before
    all the same. Else nothing has it, and they may be anything."""


class Joined(NamedTuple):
    """Which records the last one vouches for, by the hashes from each to the one before."""

    begin: int
    """How many there are before them."""
    gaps: set[int]
    """After how many of all it is not known what followed."""


class Reading:
    """One pass over the log: first its ``records``, then its ``breaks``.

    No record is kept: a log may have 128 MiB.
    """

    def __init__(self, state: Path) -> None:
        self._state = state
        self.breaks: list[Break] = []
        self.rotation: AuditRecord | None = None
        """What closed the earlier file, where it says that the records before the first one went
        then."""
        self.first: AuditRecord | None = None
        self.last: AuditRecord | None = None
        """Without lines of releases before 1.2."""
        self.old = 0
        """Records of these releases, before the first one."""
        self.count = 0
        """All records so far."""
        self._with_head = 0
        """How many there are up to the one that the file beside the log has."""
        self._has_old_lines = self._is_foreign = False
        """Whether another program has written a line before the first record; the line before."""
        self._adopted: AuditRecord | None = None
        """The last record that has hashes of what releases before 1.2 have written."""

    def records(self) -> Iterator[AuditRecord]:
        """Every record, the oldest first, with number 0 for lines of releases before 1.2.

        Such lines count only before the first record. OSError where a file exists and cannot be
        read.
        """
        head = Journal(self._state).head()  # first: the log may go on meanwhile
        before, file, digest = "", "", hashlib.sha256()
        for line in lines(self._state):
            if line.file != file:
                file, digest = line.file, hashlib.sha256()
            record = read_record(line.text, f"{file}, line {line.number}")
            if record is not None and record.number:
                self._join(record, line, before, digest.hexdigest())
                if record.head == head:
                    self._with_head = self.count + 1
            elif self.last is None:
                self._has_old_lines = True
                self.old += record is not None
            else:
                self._foreign(line)
                record = None
            if record is not None:
                self.count += 1
                yield record
            before = line_hash(line.text)
            digest.update(line.text + b"\n")
        self._end(head)

    def joined(self) -> Joined:
        """What the last record vouches for, once all ``records`` are read.

        That is nothing where it does not vouch for the record of the head: then its own line may be
        what was added.
        """
        begin = max(
            (log_break.after for log_break in self.breaks if not log_break.is_gap), default=0
        )
        if 0 < self._with_head <= begin:
            begin = self.count
        unbelieved = {e.after + 1 for e in self.breaks if e.what is What.BOOTTIME_BACK}
        return Joined(begin, unbelieved.union(e.after for e in self.breaks if e.is_gap))

    def again(self, hashes: Collection[str]) -> dict[str, AuditRecord]:
        """The records whose lines have these hashes, read anew; OSError."""
        records: dict[str, AuditRecord] = {}
        for line in lines(self._state):
            name = line_hash(line.text)
            if name in hashes and (record := read_record(line.text)) is not None:
                records[name] = record
        return records

    def _foreign(self, line: Line) -> None:
        """Note a line that this log has not written; of several, the first."""
        if not self._is_foreign:
            self._is_foreign = True
            self._break(What.NO_RECORD, f"{line.file}, line {line.number}")

    def _join(self, record: AuditRecord, line: Line, before: str, digest: str) -> None:
        """Note where a record does not follow what is before it."""
        last, self.last = self.last, record
        is_adopted = record.event == Event.ADOPTED and record.plain.get("lines") == digest
        if is_adopted:
            self._adopted = record
            if self._is_foreign:
                self.breaks[-1] = self.breaks[-1]._replace(is_gap=True)
        elif record.event == Event.ADOPTED or (last is None and self._has_old_lines):
            self._break(What.EARLIER_CHANGED, record.place)
        self._is_foreign = False
        if last is None:
            self.first = record
        elif record.number != last.number + 1:
            what = What.TAKEN_OUT if record.number > last.number else What.MOVED
            self._break(what, record.place, last.number + 1)
        elif record.before not in (before, last.hash):
            self._break(What.CHANGED, record.place, last.number)
        elif record.boot and record.boot == last.boot and record.latest < last.up:
            self._break(What.BOOTTIME_BACK, record.place, record.number)
        if record.event == Event.LOST:
            expected = read_head(record.plain.get("expected")) or Head(0, "")
            self._break(What.LOST, record.place, *expected, is_gap=True)
        if record.event == Event.ROTATED:
            self._rotate(record, line)

    def _rotate(self, record: AuditRecord, line: Line) -> None:
        """Note what a rotation has removed; only a file that is full has one."""
        if not is_full(line.offset):
            self._break(What.EARLY_ROTATION, record.place, record.number)
        first, removed = self.first, read_head(record.plain.get("removed"))
        begin = Head(first.number - 1, first.before) if first and first.number > 1 else None
        if line.file == EARLIER and removed is not None and removed == begin:
            self.rotation = record

    def _end(self, head: Head | None) -> None:
        """Note what is known when all is read."""
        first, last, adopted = self.first, self.last, self._adopted
        if adopted is not None and not self._has_files_of(adopted):
            self.breaks.append(Break(What.EARLIER_CHANGED, adopted.place, self.old))
        if first and first.number > 1 and self.rotation is None:
            self.breaks.append(Break(What.NO_BEGIN, first.place, self.old, first.number))
        if head is not None and not self._with_head:
            is_gap = last is None or head.number > last.number
            self._break(What.HEAD_AHEAD, JOURNAL, *head, is_gap=is_gap)
        elif head is None and last is not None and last.number > 1:
            self._break(What.NO_HEAD, JOURNAL, last.number, is_gap=True)

    def _has_files_of(self, adopted: AuditRecord) -> bool:
        """Whether the files beside the log are those that a record has hashes of, and no others.

        Where this record is in the earlier file itself, that file has replaced the one it knew.
        """
        files = adopted.plain.get("files")
        if not isinstance(files, dict):
            return False
        names = [name for name in BESIDE if not adopted.place.startswith(name)]
        return all(hash_of(self._state / name) == files.get(name, "") for name in names)

    def _break(
        self, what: What, place: str, number: int = 0, sha256: str = "", *, is_gap: bool = False
    ) -> None:
        self.breaks.append(Break(what, place, self.count, number, sha256, is_gap))
