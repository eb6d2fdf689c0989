"""Find the ranges of services, and the private ones, that contain an address.

Nearly every address of an answer lies in no range. So its first octets are compared first. An
answer may have 16,000 addresses in ranges: then one comparison with the edges of all ranges finds
those that contain an address, and one address stands for all in the same ranges.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from ipaddress import ip_network
from typing import Final

from resolver.dns.ipv4_in_ipv6 import without_ipv6
from resolver.policy.compiled import AddressRange
from resolver.policy.prefix import Prefix
from resolver.policy.prefixes import PrefixTable
from resolver.policy.upstream_groups import RebindingProtection

PRIVATE: Final = -1
"""The index of all private ranges."""
_PRIVATE: Final = (
    *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"),
    *("172.16.0.0/12", "192.168.0.0/16"),
    *("::/128", "::1/128", "fc00::/7", "fe80::/10", "fec0::/10"),
)
"""This host and network, and those that no router of the internet knows (RFC 6890)."""
_NOWHERE: Final[tuple[int, ...]] = ()
_NONE: Final[tuple[bytes, ...]] = ()


class AddressRanges:
    """The ranges of a snapshot."""

    def __init__(
        self,
        ranges: Sequence[AddressRange],
        protections: Sequence[RebindingProtection] = (),
    ) -> None:
        """With ``protections``, private addresses are found too."""
        prefixes = [Prefix(r.network, r.length, index) for index, r in enumerate(ranges)]
        if protections:
            networks = [ip_network(text) for text in _PRIVATE]
            prefixes += [Prefix(n.network_address.packed, n.prefixlen, PRIVATE) for n in networks]
        self._first_octets = {octets for prefix in prefixes for octets in _first_octets(prefix)}
        # Of private addresses, one that a group lets through does not stand for the others.
        let_through = [prefix for protection in protections for prefix in protection.prefixes]
        for number, prefix in enumerate(let_through, start=1):
            prefixes.append(Prefix(prefix.network, prefix.length, PRIVATE - number))
        table = PrefixTable(prefixes)
        self._edges4, self._edges6 = _edges(prefixes, 4), _edges(prefixes, 16)
        self._at4 = [_found(table, edge) for edge in self._edges4]
        self._at6 = [_found(table, edge) for edge in self._edges6]

    def matches(self, address: bytes) -> tuple[int, ...]:
        """The indexes of the ranges that contain an address, the longest first.

        One of them is ``PRIVATE`` for a private address, and may be below it for one that some
        group lets through. ``address`` has 4 or 16 octets. An IPv4 address inside an IPv6 address
        is looked up as such.
        """
        address = without_ipv6(address)
        if (len(address) << 8 | address[0]) not in self._first_octets:
            return _NOWHERE
        if len(address) == 4:
            return self._at4[bisect_right(self._edges4, address) - 1]
        return self._at6[bisect_right(self._edges6, address) - 1]

    def of_services(self, address: bytes) -> list[int]:
        """As ``matches``, but only the ranges of services, not the private ones."""
        return [index for index in self.matches(address) if index >= 0]

    def distinct(self, addresses: Iterable[bytes]) -> tuple[bytes, ...]:
        """Of the addresses in ranges, the first one in the same ranges as others."""
        first: dict[tuple[int, ...], bytes] = {}
        for address in addresses:
            indexes = self.matches(address)
            if indexes and indexes not in first:
                first[indexes] = address
        return tuple(first.values()) if first else _NONE


def _edges(prefixes: Iterable[Prefix], size: int) -> list[bytes]:
    """The addresses at which a prefix begins or has just ended, and 0; in order."""
    edges = {0}
    for prefix in prefixes:
        if len(prefix.network) == size:
            first = int.from_bytes(prefix.network, "big")
            edges |= {first, first + (1 << 8 * size - prefix.length)}
    edges.discard(1 << 8 * size)
    return [edge.to_bytes(size, "big") for edge in sorted(edges)]


def _found(table: PrefixTable, address: bytes) -> tuple[int, ...]:
    """The owners of the prefixes that contain an address, unless all only let through."""
    owners = table.matches(address)
    return tuple(owners) if max(owners, default=PRIVATE - 1) >= PRIVATE else _NOWHERE


def _first_octets(of: Prefix) -> range:
    """The first octets of a range's addresses, with the size of the addresses above them."""
    first = len(of.network) << 8 | of.network[0]
    return range(first, first + (1 << max(8 - of.length, 0)))
