"""Who is refused most, by the prefixes that clients are limited by; in memory only.

A VLAN that was forgotten in the config shows here: its clients ask and ask and are refused.
Whoever forges addresses can be counted under any number of prefixes; so only so many are
kept, and what is little is let go. That is the sum over Misra and Gries's summary, which
costs a dictionary's step a query and, now and then, a sort.

What must stay true:
- Never more than twice ``kept`` prefixes are held.
- A prefix's count is never more than the truth, and short of it by ``missed`` at most, which
  is at most one in ``kept`` of all that was counted. So who is counted more often than that
  is there, whatever else comes.
"""

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from resolver.policy.prefixes import client_prefix, client_prefix_text

KEPT = 1024


class UnknownClients(NamedTuple):
    """Refused prefixes with their counts, the most frequent first."""

    prefixes: tuple[tuple[str, int], ...]
    missed: int
    """What any count may be short by."""


class UnknownClientCounts:
    """Counts refusals by /24 and /56."""

    def __init__(self, kept: int = KEPT) -> None:
        self._kept = kept
        self._counts: dict[bytes, int] = {}
        self._missed = 0

    def count(self, address: bytes) -> None:
        """Count one refusal."""
        prefix = client_prefix(address)
        counts = self._counts
        counts[prefix] = counts.get(prefix, 0) + 1
        if len(counts) > 2 * self._kept:
            self._let_go()

    def _let_go(self) -> None:
        """Take the same off every count, so much that ``kept`` prefixes remain at most."""
        ranked = sorted(self._counts.values(), reverse=True)
        less = ranked[self._kept]
        self._counts = {p: times - less for p, times in self._counts.items() if times > less}
        self._missed += less

    def all(self) -> UnknownClients:
        """Whoever is held."""
        ranked = sorted(self._counts.items(), key=lambda each: (-each[1], each[0]))
        return UnknownClients(
            tuple((client_prefix_text(p), times) for p, times in ranked), self._missed
        )


def merged(parts: Iterable[UnknownClients], number: int) -> UnknownClients:
    """What several have counted, as one."""
    sums: Counter[str] = Counter()
    missed = 0
    for part in parts:
        sums.update(dict(part.prefixes))
        missed += part.missed
    ranked = sorted(sums.items(), key=lambda each: (-each[1], each[0]))
    return UnknownClients(tuple(ranked[:number]), missed)
