"""The failure cache (RFC 9520): upstreams are not asked again at once after a failure.

A failure is stored when a round of its exchange is over, for ``FAILURE_PAUSE`` seconds. Each
further failure of the question is stored for twice as long as the one before, for
``_LONGEST_PAUSE`` at most (section 3.2), if its servers answer others meanwhile. Else they may be
back at any moment. A late answer removes the failure.

What must stay true:
- A round stores one failure, however often it is reported.
- A failure is remembered for ``_REMEMBERED`` seconds, also when it is served no more: a query then
  begins a short round (``exchange.round``).
"""

from collections import OrderedDict
from typing import Final

from resolver.exchange.failure import Failure

FAILURE_PAUSE: Final = 1.0
"""Seconds that a failure is served before the upstream is asked again (RFC 9520 section 3.2)."""
_LONGEST_PAUSE: Final = 5.0
_REMEMBERED: Final = 10.0
_MAX_ENTRIES: Final = 10_000


class _FailureEntry:
    __slots__ = ("at", "failure", "until")

    def __init__(self, failure: Failure, at: float, until: float) -> None:
        self.failure = failure
        self.at = at
        """When its round was over."""
        self.until = until


class FailureCache:
    """Failures by the key of their question; times are in monotonic seconds."""

    def __init__(self) -> None:
        self.entries: OrderedDict[bytes, _FailureEntry] = OrderedDict()
        """Mostly empty, which a caller can see without a call."""

    def get(self, key: bytes, now: float) -> Failure | None:
        """The failure to serve for a question; None if there is none."""
        if not self.entries:
            return None
        entry = self.entries.get(key)
        return None if entry is None or now >= entry.until else entry.failure

    def has_failed(self, key: bytes, now: float) -> bool:
        """Whether a question has failed a short time ago, and was not answered since."""
        entry = self.entries.get(key)
        return entry is not None and now < entry.at + _REMEMBERED

    def put(self, key: bytes, failure: Failure, until: float, now: float) -> None:
        """Store a failure until a time, unless one is stored."""
        if self.get(key, now) is None:
            self._store(key, _FailureEntry(failure, now, until))

    def note(self, key: bytes, failure: Failure, at: float, others_answered: bool) -> None:
        """Store the failure of a round that was over at a time, unless it was stored before.

        ``others_answered``: whether its servers answered other questions meanwhile.
        """
        last = self.entries.get(key)
        pause = FAILURE_PAUSE
        if last is not None:
            if at < last.until or at == last.at:
                return
            if others_answered and at < last.at + _REMEMBERED:
                pause = min(2 * (last.until - last.at), _LONGEST_PAUSE)
        self._store(key, _FailureEntry(failure, at, at + pause))

    def _store(self, key: bytes, entry: _FailureEntry) -> None:
        """Store an entry as the newest."""
        self.entries[key] = entry
        self.entries.move_to_end(key)
        if len(self.entries) > _MAX_ENTRIES:
            self.entries.popitem(last=False)

    def discard(self, key: bytes) -> None:
        """Remove the failure of a question that has an answer now."""
        if self.entries:
            self.entries.pop(key, None)

    def clear(self) -> None:
        """Remove all failures, for example when upstreams have changed."""
        self.entries.clear()
