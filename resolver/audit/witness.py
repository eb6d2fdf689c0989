"""The head of a witness: whether the log still has it, and what was added since. Pure.

What must stay true:
- No record says of a head that it went: who writes the log anew can write such records.
- The number of a head decides whether the log reaches it. A witness that has the hash alone cannot
  tell a head that rotation has removed from one that was cut off.
"""

from enum import Enum, auto
from typing import Final, NamedTuple

from resolver.audit.record import AuditRecord, ClockReading, Event, Head

_SAMPLE_AGE: Final = 300.0
"""Seconds that a sample may be old with which Prometheus answers what it had at a moment."""


class WitnessedHead(NamedTuple):
    """A record that a witness has kept."""

    hash: str
    number: int = 0
    """0 where the witness has the hash alone."""
    at: float = 0.0
    """When the witness had it, in seconds since 1970; 0 where that is not known."""

    @property
    def text(self) -> str:
        """As the witness has it."""
        return Head(self.number, self.hash).text if self.number else self.hash


class HeadState(Enum):
    """What the log says of a head."""

    IN_LOG = auto()
    """All up to it is as it was."""
    MISSING = auto()
    """The log was cut off, or written anew."""
    REMOVED = auto()
    """Rotation has removed its record, and the one after it."""
    UNKNOWN = auto()
    """It was cut off, or removed by rotation."""
    UNKNOWN_RELEASE = auto()
    """It was cut off, or is of a release before 1.2."""


class AddedRecord(NamedTuple):
    """A record after the head, of a time before it."""

    place: str
    time: float
    number: int


class Witness:
    """Compares the records of one reading with a head, while they are read."""

    def __init__(self, head: WitnessedHead) -> None:
        self.head = head
        self.after: int | None = None
        """Records after the head; None where the log does not have it."""
        self.earliest = head.at - _SAMPLE_AGE
        """When a record after it may have been written at the earliest."""
        self.added: list[AddedRecord] = []
        self._clock: ClockReading | None = None
        """When the head was written; None where its record was removed."""

    def take(self, record: AuditRecord, *, is_first: bool) -> None:
        """Compare the next record; ``is_first``: it is the first one with a number."""
        if is_first and self._is_just_before(record):
            self.after = 0
        if self.after is not None:
            self.after += 1
            if self._time(record) < self.earliest:
                self.added.append(AddedRecord(record.place, record.time, record.number))
        elif record.hash == self.head.hash:
            self.after, self._clock = 0, record.clock
            self.earliest = max(record.time, self.earliest)

    def state(self, first: AuditRecord | None, rotation: AuditRecord | None) -> HeadState:
        """What was found; ``rotation`` is what says that the records before the first one went."""
        if self.after is not None:
            return HeadState.IN_LOG
        if self.head.number:
            is_removed = first and rotation and self.head.number < first.number - 1
            return HeadState.REMOVED if is_removed else HeadState.MISSING
        if rotation is not None:
            return HeadState.UNKNOWN
        is_adopted = first is not None and first.event == Event.ADOPTED
        return HeadState.UNKNOWN_RELEASE if is_adopted else HeadState.MISSING

    def _is_just_before(self, first: AuditRecord) -> bool:
        head = Head(self.head.number or first.number - 1, self.head.hash)
        return first.number > 1 and head == Head(first.number - 1, first.before)

    def _time(self, record: AuditRecord) -> float:
        """By the clock that the head had, where both are of one boot."""
        clock = self._clock
        is_same = clock is not None and record.boot and record.boot == clock.boot
        return record.latest + clock.offset if clock and is_same else record.time
