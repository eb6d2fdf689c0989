"""The attempts of a worker that wait for a late answer, each with its socket and ID.

What must stay true:
- Each waits for ``LATE`` seconds since it was sent. At most ``MAX_LATE`` wait; one more drops the
  oldest. So upstreams that are silent cannot exhaust the descriptors or the memory of a worker.
"""

import resource
from collections import OrderedDict
from typing import Final

from resolver.engine.exchange import LATE
from resolver.upstream.inflight import UpstreamAttempt

MAX_LATE: Final = min(2000, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 4)


class LateAttempts:
    """Attempts that have timed out, the oldest first."""

    def __init__(self) -> None:
        self._attempts: OrderedDict[UpstreamAttempt, None] = OrderedDict()

    def __contains__(self, attempt: UpstreamAttempt) -> bool:
        return attempt in self._attempts

    def __len__(self) -> int:
        return len(self._attempts)

    def add(self, attempt: UpstreamAttempt) -> None:
        """Add an attempt that has timed out now."""
        self._attempts[attempt] = None

    def discard(self, attempt: UpstreamAttempt) -> None:
        """Remove an attempt if it is here."""
        self._attempts.pop(attempt, None)

    def next_to_drop(self, now: float) -> UpstreamAttempt | None:
        """The oldest attempt, if it has waited for long, or if there are too many."""
        oldest = next(iter(self._attempts), None)
        if oldest is None or (len(self) <= MAX_LATE and now < oldest.began + LATE):
            return None
        return oldest
