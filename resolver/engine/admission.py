"""How many questions may be on their way at once: in all, for one zone, for one client prefix.

A flood of random names below one zone, or one host gone mad, fills only its own share; the
questions of everybody else still find room. While little is on its way nobody is counted.
Names are counted by their last three labels, and with a wider bound by their last two: so
that a flood below one agency of gov.ir leaves the others theirs, and one below example.com
is a flood of one zone however long its names are.
"""

from collections import Counter
from typing import Final

from resolver.dns import names
from resolver.policy.prefixes import client_prefix

TOTAL: Final = 16384
FREE: Final = 512
"""So many are let in without asking whose they are."""
PER_ZONE: Final = 1024
"""Below the same three labels."""
PER_PARENT: Final = 4096
"""Below the same two."""
PER_CLIENT: Final = 4096
WAITERS: Final = 1000
"""How many may wait for the same question."""


Shares = tuple[bytes, ...]


class Admission:
    """Counts of what is on its way."""

    def __init__(self) -> None:
        self._total = 0
        self._by_share: Counter[bytes] = Counter()

    def enter(self, name: bytes, client: bytes) -> Shares | None:
        """Take a place for a question; what to give back at its end, None where there is none."""
        if self._total < FREE:
            self._total += 1
            return ()
        if self._total >= TOTAL:
            return None
        shares = _shares(name, client)
        bounds = (PER_ZONE, PER_PARENT, PER_CLIENT)
        if any(self._by_share[s] >= bound for s, bound in zip(shares, bounds, strict=True)):
            return None
        self._total += 1
        self._by_share.update(shares)
        return shares

    def leave(self, shares: Shares) -> None:
        """Give a place back."""
        self._total -= 1
        for share in shares:
            left = self._by_share[share] - 1
            if left:
                self._by_share[share] = left
            else:
                del self._by_share[share]


def _shares(name: bytes, client: bytes) -> Shares:
    """What a question counts against: its zone, the zone above that, its client's prefix."""
    labels = names.labels(name)
    zone, parent = b".".join(labels[-3:]), b".".join(labels[-2:])
    return b"zone " + zone, b"parent " + parent, client_prefix(client)
