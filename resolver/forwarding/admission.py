"""How many questions may be on their way at once: in all, for one zone, for one client prefix.

A flood of random names below one zone, or one host gone mad, fills only its own share; the
questions of everybody else still find room. While little is on its way nobody is counted.
A zone is taken to be the last two labels of a name: enough to tell a flood by, and it
cannot be evaded by longer names.
"""

from collections import Counter

from resolver.dns import names
from resolver.policy.prefixes import client_prefix

TOTAL = 8192
FREE = 512
"""So many are let in without asking whose they are."""
PER_ZONE = 1024
PER_CLIENT = 4096
WAITERS = 1000
"""How many may wait for the same question."""


Shares = tuple[bytes, ...]


class Admission:
    """Counts of what is on its way."""

    def __init__(self) -> None:
        self._total = 0
        self._by_share: Counter[bytes] = Counter()

    def enter(self, name: bytes, client: str) -> Shares | None:
        """Take a place for a question; what to give back at its end, None where there is none."""
        if self._total < FREE:
            self._total += 1
            return ()
        by_share = self._by_share
        zone, prefix = _zone(name), client_prefix(client)
        if self._total >= TOTAL or by_share[zone] >= PER_ZONE or by_share[prefix] >= PER_CLIENT:
            return None
        self._total += 1
        by_share[zone] += 1
        by_share[prefix] += 1
        return zone, prefix

    def leave(self, shares: Shares) -> None:
        """Give a place back."""
        self._total -= 1
        for share in shares:
            left = self._by_share[share] - 1
            if left:
                self._by_share[share] = left
            else:
                del self._by_share[share]


def _zone(name: bytes) -> bytes:
    return b".".join(names.labels(name)[-2:])
