"""Find the ranges of services, and the private ones, that contain an address.

Nearly every address of an answer lies in no range. So its first octets are compared first.
"""

from ipaddress import ip_network
from typing import Final

from resolver.dns.ipv4_in_ipv6 import without_ipv6
from resolver.policy.compiled import AddressRange
from resolver.policy.prefix import Prefix
from resolver.policy.prefixes import PrefixTable

PRIVATE: Final = -1
"""The index of all private ranges."""
_PRIVATE: Final = (
    *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"),
    *("172.16.0.0/12", "192.168.0.0/16"),
    *("::/128", "::1/128", "fc00::/7", "fe80::/10", "fec0::/10"),
)
"""This host and network, and those that no router of the internet knows (RFC 6890)."""


class AddressRanges:
    """The ranges of a snapshot."""

    def __init__(self, ranges: tuple[AddressRange, ...], private: bool = False) -> None:
        """``private``: private addresses are found too."""
        prefixes = [Prefix(r.network, r.length, place) for place, r in enumerate(ranges)]
        if private:
            networks = [ip_network(text) for text in _PRIVATE]
            prefixes += [Prefix(n.network_address.packed, n.prefixlen, PRIVATE) for n in networks]
        self._table = PrefixTable(prefixes)
        self._first_octets = {octets for prefix in prefixes for octets in _first_octets(prefix)}

    def matches(self, address: bytes) -> list[int]:
        """The indexes of the ranges that contain an address, the longest first; or ``PRIVATE``.

        ``address`` has 4 or 16 octets. An IPv4 address inside an IPv6 address is looked up as
        such.
        """
        address = without_ipv6(address)
        if (len(address) << 8 | address[0]) not in self._first_octets:
            return []
        return self._table.matches(address)

    def of_services(self, address: bytes) -> list[int]:
        """Likewise, without the private ranges."""
        return [place for place in self.matches(address) if place != PRIVATE]


def _first_octets(of: Prefix) -> range:
    """The first octets of a range's addresses, with the size of the addresses above them."""
    first = len(of.network) << 8 | of.network[0]
    return range(first, first + (1 << max(8 - of.length, 0)))
