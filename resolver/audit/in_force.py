"""What was in force at a moment: the last record before the place in the log that the moment has.

Time only finds the place. Between two records of one boot CLOCK_BOOTTIME went on, whatever the
clock was set to: a moment is there if the clock said it by its offset before or after. Where the
clock was set, several places may have called themselves by one moment, and each is an answer. Or
none did: then the moment is found by what the clock said at another time of the same boot. Pure.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple

from resolver.audit.audit_log import AuditEntry, audit_entry
from resolver.audit.reading import Joined
from resolver.audit.record import SAME_OFFSET, ClockReading


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
    entry: AuditEntry | None
    entry_offset: float
    """Of the record of ``entry``."""

    def time_by(self, offset: float) -> float:
        """What the clock would have said by an offset."""
        if abs(offset - self.offset) < SAME_OFFSET:
            return self.time
        return self.time - self.offset + offset


def in_force(joined: Joined, now: ClockReading, moment: float) -> list[ActivationInForce]:
    """All that may have been in force at a moment.

    Empty where no record was before it, or records are missing there.
    """
    marks = list(_marks(joined, now))
    for is_own in (True, False):
        found = [
            (mark, offset)
            for at, mark in enumerate(marks[:-1])
            for offset in _offsets(mark, marks[at + 1], is_own)
            if mark.time_by(offset) <= moment < _end(marks, at, offset)
        ]
        if found:
            break
    first = {id(mark.entry): (mark, offset) for mark, offset in reversed(found)}
    return [
        ActivationInForce(mark.entry, _ahead(mark, offset, len(first)))
        for mark, offset in reversed(first.values())
        if mark.entry is not None
    ]


def _marks(joined: Joined, now: ClockReading) -> Iterator[_Mark]:
    """The marks of all records, and of now."""
    entry: AuditEntry | None = None
    entry_offset, boot, offsets = 0.0, "", list[float]()
    clocks = ((each.clock, audit_entry(each)) for each in joined.records)
    for after, (clock, new) in enumerate(chain(clocks, [(now, None)]), 1):
        if not clock.boot or clock.boot != boot:
            boot, offsets, entry_offset = clock.boot, [], clock.offset
        others = [each for each in offsets if abs(each - clock.offset) >= SAME_OFFSET]
        offsets[:] = [*others, clock.offset]
        if new is not None and new.changes:
            entry, entry_offset = new, clock.offset
        if after in joined.gaps:
            entry = None
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
    ends = [end for each in after.boot_offsets if (end := after.time_by(each)) > begin]
    if ends:
        return min(ends)
    return next((each.time for each in marks[at + 2 :] if each.time > begin), math.inf)


def _ahead(mark: _Mark, offset: float, answers: int) -> float:
    ahead = mark.entry_offset - offset
    if abs(ahead) < SAME_OFFSET and answers > 1:
        ahead = offset - mark.boot_offsets[-1]
    return ahead if abs(ahead) >= SAME_OFFSET else 0.0
