"""The attempts of a worker that wait for a late answer.

What must stay true:
- Each waits for ``LATE`` seconds since it was sent. At most ``most`` wait; one more drops the
  newest of the VLAN that has most, since a slow upstream answers the oldest next. So upstreams that
  are silent cannot exhaust the descriptors or the memory of a worker, and a VLAN that asks for
  names without answers takes no late answers from another that has fewer attempts here.
"""

from collections import OrderedDict
from typing import Generic

from resolver.exchange.exchange import LATE
from resolver.exchange.in_flight import SentAttempt, Waiting


class LateAttempts(Generic[Waiting]):
    """Attempts that have timed out, the oldest first."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._sent: OrderedDict[SentAttempt[Waiting], None] = OrderedDict()
        self._by_vlan: dict[int, OrderedDict[SentAttempt[Waiting], None]] = {}

    def __contains__(self, sent: SentAttempt[Waiting]) -> bool:
        return sent in self._sent

    def __len__(self) -> int:
        return len(self._sent)

    def add(self, sent: SentAttempt[Waiting]) -> None:
        """Add an attempt that has timed out now."""
        self._sent[sent] = None
        self._by_vlan.setdefault(sent.vlan, OrderedDict())[sent] = None

    def discard(self, sent: SentAttempt[Waiting]) -> None:
        """Remove an attempt if it is here."""
        if sent in self._sent:
            del self._sent[sent]
            of_vlan = self._by_vlan[sent.vlan]
            del of_vlan[sent]
            if not of_vlan:
                del self._by_vlan[sent.vlan]

    def next_to_drop(self, now: float) -> SentAttempt[Waiting] | None:
        """The oldest attempt, if it has waited for long; else one of too many."""
        oldest = next(iter(self._sent), None)
        if oldest is None or now >= oldest.attempt.began + LATE:
            return oldest
        if len(self) <= self._most:
            return None
        most = max(self._by_vlan.values(), key=len)
        return next(reversed(most))
