"""Bound the queries in flight: in all, for one zone, for one client prefix.

A flood of random names below one zone, or a faulty client, fills only its own share; the queries
of other clients still find room. While few queries are in flight, none is counted by zone or
client. A name counts against its last three labels and, with a higher bound, against its last
two. So a flood below one agency of gov.ir leaves room for the other agencies, and a flood below
example.com is bounded however long its names are.
"""

from collections import Counter
from typing import Final

from resolver.dns import names
from resolver.policy.prefixes import client_prefix

TOTAL: Final = 16384
"""Queries in flight at most."""
UNCOUNTED: Final = 512
"""While fewer are in flight, the next one is admitted without a share."""
PER_ZONE: Final = 1024
"""With the same last three labels."""
PER_PARENT: Final = 4096
"""With the same last two labels."""
PER_CLIENT: Final = 4096
"""From the same client prefix."""
WAITERS: Final = 1000
"""Replies that may wait for one query in flight."""

Shares = tuple[bytes, ...]
"""What a query in flight counts against."""


class Admission:
    """Counts the queries in flight."""

    def __init__(self) -> None:
        self._total = 0
        self._by_share: Counter[bytes] = Counter()

    def enter(self, name: bytes, client: bytes) -> Shares | None:
        """Admit a query: its shares, which ``leave`` takes back; None if there is no room."""
        if self._total < UNCOUNTED:
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
        """End a query in flight and free its shares."""
        self._total -= 1
        for share in shares:
            left = self._by_share[share] - 1
            if left:
                self._by_share[share] = left
            else:
                del self._by_share[share]


def _shares(name: bytes, client: bytes) -> Shares:
    """The shares of a query: its zone, the zone above, and the client prefix."""
    labels = names.labels(name)
    zone, parent = b".".join(labels[-3:]), b".".join(labels[-2:])
    return b"zone " + zone, b"parent " + parent, client_prefix(client)
