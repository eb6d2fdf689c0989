"""What was in force at a moment: the last record before the place in the log that the moment has.

Time only finds the place. Between two records of one boot CLOCK_BOOTTIME went on, whatever the
clock was set to: a moment is there if the clock said it by its offset before or after. Where the
clock was set, several places may have called themselves by one moment, and each is an answer. Or
none did: then the moment is found by what the clock said at another time of the same boot.

A log may have 128 MiB, so of each record only the clock is kept, and whether it changed what is in
force; those that are the answer are read again.
"""

import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from resolver.audit.audit_log import AuditEntry, audit_entry
from resolver.audit.reading import Joined, Reading
from resolver.audit.record import SAME_OFFSET, AuditRecord, ClockReading


class ActivationInForce(NamedTuple):
    """What was in force at a place that has the moment."""

    entry: AuditEntry
    """The last one that changed what is in force."""
    ahead: float = 0.0
    """Seconds that its clock was ahead of the one that says the moment; or, of several answers,
    that the clock which says it was ahead of what it said last in the same boot."""


@dataclass(frozen=True, slots=True)
class _Mark:
    """The clock at a record, and what was in force after it."""

    time: float
    offset: float
    boot: str
    boot_offsets: list[float]
    """All that the clock had while records of this boot followed each other, the last one last."""
    entry: bytes
    """The SHA-256 of the record that changed last what is in force; empty where it is unknown."""
    entry_offset: float
    """Of the record of ``entry``."""

    def time_by(self, offset: float) -> float:
        """What the clock would have said by an offset."""
        if abs(offset - self.offset) < SAME_OFFSET:
            return self.time
        return self.time - self.offset + offset


def in_force(reading: Reading, now: ClockReading, moment: float) -> list[ActivationInForce]:
    """All that may have been in force at a moment; ``reading`` has not begun yet.

    Empty where no record was before it, or records are missing there. OSError where the log cannot
    be read.
    """
    read = [_shortened(record) for record in reading.records()]
    marks = list(_marks(read, reading.joined(), now))
    for is_own in (True, False):
        candidates = [
            (mark, offset)
            for at, mark in enumerate(marks[:-1])
            for offset in _offsets(mark, marks[at + 1], is_own)
            if mark.time_by(offset) <= moment < _end(marks, at, offset)
        ]
        if candidates:
            break
    first = {mark.entry: (mark, offset) for mark, offset in reversed(candidates)}
    records = reading.again({name.hex() for name in first})
    entries = {name: audit_entry(record) for name, record in records.items()}
    return [
        ActivationInForce(entry, _ahead(mark, offset, len(first)))
        for mark, offset in reversed(first.values())
        if (entry := entries.get(mark.entry.hex())) is not None
    ]


def _shortened(record: AuditRecord) -> tuple[ClockReading, bytes]:
    """The clock of a record, and its hash where it changed what is in force."""
    entry = audit_entry(record)
    changes = entry is not None and entry.changes
    clock = ClockReading(record.time, record.offset, sys.intern(record.boot), None)
    return clock, bytes.fromhex(record.hash) if changes else b""


def _marks(
    read: Sequence[tuple[ClockReading, bytes]], joined: Joined, now: ClockReading
) -> Iterator[_Mark]:
    """The marks of the joined records, and of now."""
    entry = b""
    entry_offset, boot, offsets = 0.0, "", list[float]()
    for after in range(joined.begin, len(read) + 1):
        clock, new = read[after] if after < len(read) else (now, b"")
        if not clock.boot or clock.boot != boot:
            boot, offsets, entry_offset = clock.boot, [], clock.offset
        others = [offset for offset in offsets if abs(offset - clock.offset) >= SAME_OFFSET]
        offsets[:] = [*others, clock.offset]
        if new:
            entry, entry_offset = new, clock.offset
        if after + 1 in joined.gaps:
            entry = b""
        yield _Mark(clock.time, clock.offset, boot, offsets, entry, entry_offset)


def _offsets(mark: _Mark, after: _Mark, is_own: bool) -> list[float]:
    """The offsets that the clock had between two marks, or all of the boot."""
    if not is_own:
        return mark.boot_offsets
    is_set = mark.boot_offsets is after.boot_offsets
    is_set = is_set and abs(mark.offset - after.offset) >= SAME_OFFSET
    return [mark.offset, after.offset] if is_set else [mark.offset]


def _end(marks: Sequence[_Mark], at: int, offset: float) -> float:
    """When the time after a mark ends, by an offset of its boot.

    Where another boot follows, that is when it began, by an offset of that boot which says so; or
    when a later mark has a later time.
    """
    mark, after = marks[at : at + 2]
    if mark.boot_offsets is after.boot_offsets:
        return after.time_by(offset)
    begin = mark.time_by(offset)
    ends = [end for offset in after.boot_offsets if (end := after.time_by(offset)) > begin]
    if ends:
        return min(ends)
    return next((mark.time for mark in marks[at + 2 :] if mark.time > begin), math.inf)


def _ahead(mark: _Mark, offset: float, answers: int) -> float:
    ahead = mark.entry_offset - offset
    if abs(ahead) < SAME_OFFSET and answers > 1:
        ahead = offset - mark.boot_offsets[-1]
    return ahead if abs(ahead) >= SAME_OFFSET else 0.0
