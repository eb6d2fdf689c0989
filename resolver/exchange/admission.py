"""Bound the queries in flight: in all, for one VLAN, and within it for one zone and one client.

A flood fills only its own shares; other queries still find room. While few queries are in flight,
none is counted by share. Each bound has a share for each VLAN:

- Part of the room is for all VLANs, and goes to the first queries. Each VLAN has an equal share of
  the rest, which no other VLAN can take.
- A name counts in its VLAN against its last three labels and, with a higher bound, against its
  last two. So a flood below one agency of gov.ir leaves room for the other agencies, and a flood
  below example.com is bounded however long its names are.
- The names of a top-level domain that is cut off (``exchange.fallback``) hang, so that they have a
  quarter of the room for all. Where they have it, a VLAN has its equal share for them.

Within a VLAN, who has most in flight yields: where a bound is half reached, an address finds room
while it has fewer queries in flight than the bound has left, and a prefix while it has fewer than
``OF_PREFIX`` times that (the dynamic thresholds of switches that share a buffer, Choudhury and
Hahne 1998). So four addresses that ask for all that they can leave a fifth of a bound to the
others, and one prefix, however many addresses a host has there, leaves a sixteenth to the others.
Besides, a client counts against its prefix with a bound of its own; but each address has some room
there, so that the others of the prefix leave it some.
"""

from collections import Counter
from typing import Final

from resolver.dns import names
from resolver.policy.prefixes import client_prefix

COMMON: Final = 16384
"""While fewer queries are in flight, a VLAN may have more than its own share."""
OWN: Final = 4096
"""Queries in flight besides, in equal shares for the VLANs."""
UNCOUNTED: Final = 512
"""While fewer are in flight, the next one is admitted without a share."""
PER_ZONE: Final = 1024
"""From one VLAN, with the same last three labels."""
PER_PARENT: Final = 4096
"""From one VLAN, with the same last two labels."""
PER_PREFIX: Final = 4096
"""From one VLAN and the same client prefix, but for those of ``PER_ADDRESS``."""
PER_ADDRESS: Final = 64
"""From one address, also where its prefix has its share."""
PER_CUT_DOMAIN: Final = COMMON // 4
"""With the same last label, while its domain is cut off; on other days ``com`` has no bound."""
OF_PREFIX: Final = 15
"""A prefix may have so many times the room that a bound has left: all but a sixteenth of it."""
_CUT: Final = b"cut "
_NOT_CUT: Final = b""

Shares = tuple[bytes, ...]
"""What a query in flight counts against."""


class Admission:
    """Counts the queries in flight."""

    def __init__(self) -> None:
        self._total = 0
        self._own = OWN
        self._by_share: Counter[bytes] = Counter()

    def divide(self, vlans: int) -> None:
        """Divide what is not in common among this number of VLANs."""
        self._own = OWN // max(vlans, 1)

    def enter(self, name: bytes, vlan: int, client: bytes, cut: bytes = _NOT_CUT) -> Shares | None:
        """Admit a query: its shares, which ``leave`` takes back; None if there is no room.

        ``vlan`` is the index of the client's VLAN; ``cut`` the domain of the name, if that is cut.
        """
        if self._total < UNCOUNTED and not cut:
            self._total += 1
            return ()
        by_share, of_vlan = self._by_share, vlan.to_bytes(4, "big")
        zone, parent, of_prefix, of_address = _shares(name, of_vlan, client)
        shares: Shares = (zone, parent, of_prefix, of_address, of_vlan)
        room = self._room(self._total, COMMON, of_vlan)
        for left, bound in (
            (PER_ZONE - by_share[zone], PER_ZONE),
            (PER_PARENT - by_share[parent], PER_PARENT),
        ):
            if left <= bound // 2:
                room = min(room, left)
        if cut:
            of_domain, here = _CUT + cut, of_vlan + _CUT + cut
            room = min(room, self._room(by_share[of_domain], PER_CUT_DOMAIN, here))
            shares = (*shares, of_domain, here)
        in_prefix, in_flight = by_share[of_prefix], by_share[of_address]
        if in_flight >= room or in_prefix >= OF_PREFIX * room:
            return None
        if in_prefix >= PER_PREFIX and in_flight >= PER_ADDRESS:
            return None
        self._total += 1
        by_share.update(shares)
        return shares

    def _room(self, taken: int, common: int, of_vlan: bytes) -> int:
        """What is left of a bound for all VLANs, or of the share of one where that is more."""
        return max(common - taken, self._own - self._by_share[of_vlan])

    def leave(self, shares: Shares) -> None:
        """End a query in flight and free its shares."""
        self._total -= 1
        for share in shares:
            left = self._by_share[share] - 1
            if left:
                self._by_share[share] = left
            else:
                del self._by_share[share]


def _shares(name: bytes, of_vlan: bytes, client: bytes) -> tuple[bytes, bytes, bytes, bytes]:
    """The shares of a query in its VLAN: those of its zone, the zone above, prefix and address."""
    labels = names.labels(name)
    zone, parent = b".".join(labels[-3:]), b".".join(labels[-2:])
    return (
        of_vlan + b" zone " + zone,
        of_vlan + b" parent " + parent,
        of_vlan + client_prefix(client),
        of_vlan + client,
    )
