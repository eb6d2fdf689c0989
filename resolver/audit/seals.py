"""Which figures are sealed by a record of the audit log, and by which one. Pure.

A seal is written once its time has been over for more than an hour. One that is not was written
while the clock was ahead: its time is sealed again, and then only the later seal counts. A clock
alone excuses no seal, neither that of now nor that of another record: it may have been set back.
"""

import math
from collections.abc import Iterable, Sequence
from enum import Enum, auto
from typing import Final, NamedTuple

from resolver.audit.record import AuditRecord, ClockReading, Event
from resolver.system.stored import is_moment

_HOUR: Final = 3600.0
_OPEN: Final = _HOUR + 300.0
"""Seconds for which an hour that is over may get figures: its last local hour ends within one."""


class Seal(NamedTuple):
    """The figures of a time, in seconds since 1970, have this hash."""

    begin: float
    end: float
    figures: str
    node: str
    time_zone: str

    def was_early(self, record: AuditRecord, now: ClockReading) -> bool:
        """Whether its time was not over when its record was written, by another clock."""
        if record.boot and record.boot == now.boot:
            return self.end > sealable(record.up + now.offset)
        return self.end > sealable(now.time)


def sealable(now: float, waits_since: float = float("inf")) -> float:
    """When the first hour begins that may still get figures, in seconds since 1970, as ``now``.

    While a disk takes no figures, that is the hour of those that wait.
    """
    return min(now - _OPEN, waits_since) // _HOUR * _HOUR


def read_seal(record: AuditRecord) -> Seal | None:
    """The seal of a record; None where it has none."""
    if record.event != Event.SEALED:
        return None
    seal = Seal(*(record.plain.get(field) for field in Seal._fields))  # type: ignore[arg-type]
    is_good = is_moment(seal.begin) and is_moment(seal.end)
    return seal if is_good and all(isinstance(value, str) for value in seal[2:]) else None


class Standing(Enum):
    """Whether the figures must be as a seal has them."""

    COUNTS = auto()
    SET_ASIDE = auto()
    """It was early, and its time was sealed again."""
    UNCHECKED = auto()
    """Its time is not over by the clock of now, or a part of it was not sealed again yet."""


class SealRecord(NamedTuple):
    """A seal, and the record that has it."""

    seal: Seal
    record: AuditRecord


def standings(sealed: Sequence[SealRecord], now: float) -> list[Standing]:
    """That of each seal; ``sealed`` are in the order of their records."""
    result, later = [], _LaterSeals()
    for entry in reversed(sealed):
        is_over = entry.seal.end <= sealable(now)
        result.append(later.standing_of(entry) if is_over else Standing.UNCHECKED)
        later.add(entry)
    return result[::-1]


class _LaterSeals:
    """What the seals of later records say of an earlier one."""

    def __init__(self) -> None:
        self._begin, self._end = math.inf, -math.inf
        """The time that they have."""
        self._clocks: dict[str, ClockReading] = {}
        """The earliest clock by which one was written: of each boot the least ahead of it."""

    def add(self, sealed: SealRecord) -> None:
        seal, clock = sealed.seal, sealed.record.clock
        self._begin, self._end = min(self._begin, seal.begin), max(self._end, seal.end)
        known = self._clocks.get(clock.boot, clock)
        least, first = min(known.offset, clock.offset), min(known.time, clock.time)
        self._clocks[clock.boot] = clock._replace(time=first, offset=least)

    def standing_of(self, sealed: SealRecord) -> Standing:
        seal = sealed.seal
        if not self._begin <= seal.begin < self._end or not any(
            seal.was_early(sealed.record, clock) for clock in self._clocks.values()
        ):
            return Standing.COUNTS
        return Standing.SET_ASIDE if seal.end <= self._end else Standing.UNCHECKED


def newest_seals(latest: Iterable[AuditRecord], now: ClockReading) -> float:
    """From when on figures have no seal that counts; 0 where none was sealed.

    ``latest`` are the records, the newest first.
    """
    since = 0.0
    for record in latest:
        seal = read_seal(record)
        if seal is not None:
            if not seal.was_early(record, now):
                return since or seal.end
            since = seal.begin
    return since
