"""The attempts of a worker that wait for a late answer, each with its socket and ID.

What must stay true:
- Each waits for ``LATE`` seconds since it was sent. At most ``MAX_LATE`` wait; one more drops the
  newest of the VLAN that has most, since a slow upstream answers the oldest next. So upstreams that
  are silent cannot exhaust the descriptors or the memory of a worker, and a VLAN that asks for
  names without answers takes no late answers from another that has fewer attempts here.
"""

import resource
from collections import OrderedDict
from typing import Final

from resolver.exchange.exchange import LATE
from resolver.upstream.inflight import UpstreamAttempt

MAX_LATE: Final = min(2000, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 4)

_Attempts = OrderedDict[UpstreamAttempt, None]


class LateAttempts:
    """Attempts that have timed out, the oldest first."""

    def __init__(self) -> None:
        self._attempts: _Attempts = OrderedDict()
        self._by_vlan: dict[int, _Attempts] = {}

    def __contains__(self, attempt: UpstreamAttempt) -> bool:
        return attempt in self._attempts

    def __len__(self) -> int:
        return len(self._attempts)

    def add(self, attempt: UpstreamAttempt) -> None:
        """Add an attempt that has timed out now."""
        self._attempts[attempt] = None
        self._by_vlan.setdefault(attempt.vlan, OrderedDict())[attempt] = None

    def discard(self, attempt: UpstreamAttempt) -> None:
        """Remove an attempt if it is here."""
        if attempt in self._attempts:
            del self._attempts[attempt]
            of_vlan = self._by_vlan[attempt.vlan]
            del of_vlan[attempt]
            if not of_vlan:
                del self._by_vlan[attempt.vlan]

    def next_to_drop(self, now: float) -> UpstreamAttempt | None:
        """The oldest attempt, if it has waited for long; else one of too many."""
        oldest = next(iter(self._attempts), None)
        if oldest is None or now >= oldest.began + LATE:
            return oldest
        if len(self) <= MAX_LATE:
            return None
        most = max(self._by_vlan.values(), key=len)
        return next(reversed(most))
