"""Questions that could not be answered just now, so that they are not asked over and over.

RFC 9520 section 3.2: a failure is remembered for a moment. Where a stale answer can be told
meanwhile the moment is longer, since nobody is worse off for it (RFC 8767 section 5).
"""

from collections import OrderedDict
from typing import NamedTuple

from resolver.engine.cache import Key
from resolver.engine.exchange import Failure

MOMENT = 1.0
"""Seconds that a failure is told without asking again."""
RECHECK = 30.0
"""Seconds that a stale answer is told without asking again."""
_MOST = 10_000


class _Remembered(NamedTuple):
    failure: Failure
    until: float


class Failures:
    """Failures by question; times are in monotonic seconds."""

    def __init__(self) -> None:
        self._failures: OrderedDict[Key, _Remembered] = OrderedDict()

    def get(self, key: Key, now: float) -> Failure | None:
        """The failure that is still fresh, if there is one."""
        found = self._failures.get(key)
        if found is None:
            return None
        if now >= found.until:
            del self._failures[key]
            return None
        return found.failure

    def remember(self, key: Key, failure: Failure, until: float) -> None:
        """Remember a failure until a moment, unless it is remembered already."""
        if key not in self._failures:
            self._failures[key] = _Remembered(failure, until)
            if len(self._failures) > _MOST:
                self._failures.popitem(last=False)

    def clear(self) -> None:
        """Forget all, as when upstreams have changed."""
        self._failures.clear()
