"""The day by which what is too old is removed: by a clock that goes on without jumps. Pure."""

import datetime as dt

_STEADY = 600.0
"""Seconds without a jump of the clock, after which its day is used."""
_JUMP = 60.0
"""Seconds that the clock may gain or lose between two readings. A program that corrects it, such as
chrony, does so slowly."""


class RetentionClock:
    """The day (UTC) by which files are removed, as long as the clock goes on without jumps."""

    def __init__(self) -> None:
        self._ahead: float | None = None
        """Seconds that the wall clock is ahead of the monotonic one."""
        self._since = 0.0

    def read(self, wall: float, monotonic: float) -> dt.date | None:
        """The day now; None in the first minutes, and after a jump. Read it every minute or so."""
        ahead = wall - monotonic
        if self._ahead is None or abs(ahead - self._ahead) > _JUMP:
            self._since = monotonic
        self._ahead = ahead
        return day_of(wall) if monotonic - self._since >= _STEADY else None


def day_of(wall: float) -> dt.date:
    """The day (UTC) of a moment in seconds since 1970."""
    return dt.datetime.fromtimestamp(wall, dt.UTC).date()
