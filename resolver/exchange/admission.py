"""Bound the queries in flight: in all, for one VLAN, and within it for one zone and one client.

A flood fills only its own shares; other queries still find room. While few queries are in flight,
none is counted by share. Part of the room is for all VLANs, and goes to the first queries. Each
VLAN has an equal share of the rest, which no other VLAN can take. So the queries of a VLAN that
has fewer in flight than its share always find room, whatever other VLANs send.

Within a VLAN, a name counts against its last three labels and, with a higher bound, against its
last two. So a flood below one agency of gov.ir leaves room for the other agencies, and a flood
below example.com is bounded however long its names are. A client counts against its prefix, since
a host may have many addresses; but each address has some room of its own, so that the others of
the prefix leave it some.

A top-level domain that is cut off (``exchange.fallback``) has a share, too: its names hang, and
leave the others room.
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
PER_CUT_DOMAIN: Final = (COMMON + OWN) // 4
"""With the same last label, while its domain is cut off; on other days ``com`` has no bound."""
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
        if cut:
            return self._enter_cut(name, vlan, client, _CUT + cut)
        if self._total < UNCOUNTED:
            self._total += 1
            return ()
        by_share, of_vlan = self._by_share, vlan.to_bytes(4, "big")
        if self._total >= COMMON and by_share[of_vlan] >= self._own:
            return None
        shares = _shares(name, of_vlan, client)
        zone, parent, of_prefix, of_address, _ = shares
        if by_share[zone] >= PER_ZONE or by_share[parent] >= PER_PARENT:
            return None
        if by_share[of_prefix] >= PER_PREFIX and by_share[of_address] >= PER_ADDRESS:
            return None
        self._total += 1
        by_share.update(shares)
        return shares

    def _enter_cut(self, name: bytes, vlan: int, client: bytes, share: bytes) -> Shares | None:
        """Admit a query for a domain that is cut off, which has a share of its own."""
        if self._by_share[share] >= PER_CUT_DOMAIN:
            return None
        shares = self.enter(name, vlan, client)
        if shares is None:
            return None
        self._by_share[share] += 1
        return (*shares, share)

    def leave(self, shares: Shares) -> None:
        """End a query in flight and free its shares."""
        self._total -= 1
        for share in shares:
            left = self._by_share[share] - 1
            if left:
                self._by_share[share] = left
            else:
                del self._by_share[share]


def _shares(name: bytes, of_vlan: bytes, client: bytes) -> tuple[bytes, bytes, bytes, bytes, bytes]:
    """The shares of a query: in its VLAN its zone, the zone above, prefix, address; its VLAN."""
    labels = names.labels(name)
    zone, parent = b".".join(labels[-3:]), b".".join(labels[-2:])
    return (
        of_vlan + b" zone " + zone,
        of_vlan + b" parent " + parent,
        of_vlan + client_prefix(client),
        of_vlan + client,
        of_vlan,
    )
