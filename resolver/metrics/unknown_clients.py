"""Counts the refused queries of unknown clients, by /24 and /64; in memory only.

A VLAN that is missing in the config shows here: its clients ask again and again, and are refused.
With forged addresses anyone can produce any number of prefixes. So only the most frequent ones are
kept, by the summary of Misra and Gries: it costs one step of a dictionary a query and, now and
then, a sort.

What must stay true:
- At most twice ``kept`` prefixes are in memory.
- A count is never too high, and too low by at most ``missed``, which is at most one in ``kept`` of
  all refusals. So a prefix with more refusals than that is there, whatever else is counted.
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
    """By how much a count may be too low."""


class UnknownClientCounts:
    """Counts refusals by prefix."""

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
            self._reduce()

    def _reduce(self) -> None:
        """Subtract the same number from all counts, so that at most ``kept`` stay above 0."""
        ranked = sorted(self._counts.values(), reverse=True)
        less = ranked[self._kept]
        self._counts = {p: times - less for p, times in self._counts.items() if times > less}
        self._missed += less

    def all(self) -> UnknownClients:
        """All prefixes in memory."""
        counts = {client_prefix_text(prefix): times for prefix, times in self._counts.items()}
        return _ranked(counts, self._missed)


def merged(parts: Iterable[UnknownClients], number: int) -> UnknownClients:
    """The sums of several counts; the ``number`` most frequent prefixes."""
    sums: Counter[str] = Counter()
    missed = 0
    for part in parts:
        sums.update(dict(part.prefixes))
        missed += part.missed
    everything = _ranked(sums, missed)
    return everything._replace(prefixes=everything.prefixes[:number])


def _ranked(counts: dict[str, int], missed: int) -> UnknownClients:
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return UnknownClients(tuple(ranked), missed)
