"""The failure cache (RFC 9520): upstreams are not asked again at once after a failure.

A failure is stored when its exchange has ended. While late answers may still come, the question is
not answered from here: a query for it begins the next round of the exchange.
"""

from collections import OrderedDict
from typing import Final

from resolver.exchange.failure import Failure

_MAX_ENTRIES: Final = 10_000


class _FailureEntry:
    __slots__ = ("failure", "until")

    def __init__(self, failure: Failure, until: float) -> None:
        self.failure = failure
        self.until = until


class FailureCache:
    """Failures by the key of their question; times are in monotonic seconds."""

    def __init__(self) -> None:
        self._entries: OrderedDict[bytes, _FailureEntry] = OrderedDict()

    def get(self, key: bytes, now: float) -> Failure | None:
        """The failure to serve for a question; None if there is none."""
        if not self._entries:
            return None
        entry = self._entries.get(key)
        if entry is None:
            return None
        if now >= entry.until:
            del self._entries[key]
            return None
        return entry.failure

    def put(self, key: bytes, failure: Failure, until: float, now: float) -> None:
        """Store a failure until a time, unless one is stored."""
        if self.get(key, now) is None:
            self._entries[key] = _FailureEntry(failure, until)
            if len(self._entries) > _MAX_ENTRIES:
                self._entries.popitem(last=False)

    def discard(self, key: bytes) -> None:
        """Remove the failure of a question that has an answer now."""
        if self._entries:
            self._entries.pop(key, None)

    def clear(self) -> None:
        """Remove all failures, for example when upstreams have changed."""
        self._entries.clear()
