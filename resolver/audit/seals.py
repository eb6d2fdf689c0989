"""Which figures are sealed by a record of the audit log, and by which one. Pure.

A seal is written once its time has been over for more than an hour. So by a clock that was not set
meanwhile it is later than its time. One that is not was written while the clock was ahead: its time
is sealed again, and only the later seal counts.
"""

from collections.abc import Iterable
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
    seal = Seal(*(record.plain.get(each) for each in Seal._fields))  # type: ignore[arg-type]
    is_good = is_moment(seal.begin) and is_moment(seal.end)
    return seal if is_good and all(isinstance(each, str) for each in seal[2:]) else None


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
