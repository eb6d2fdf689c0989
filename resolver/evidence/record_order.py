"""Which records of the audit log are backdated: their time is before that of a record before them.

Records are written one after the other, so a later one says nothing about a time before an earlier
one. A backdated record comes from a clock that was set back, or from somebody who added it to
change what seems to have been in force.
"""

import math


class RecordOrder:
    """Looks at the times of records, in the order in which they are in the log."""

    def __init__(self, now: float) -> None:
        """``now``: a record with a later time was written by a wrong clock, and orders nothing."""
        self._now = now
        self._latest = -math.inf

    def is_backdated(self, time: float) -> bool:
        """Whether the next record is, by its time in seconds since 1970."""
        if time < self._latest:
            return True
        if time <= self._now:
            self._latest = time
        return False
