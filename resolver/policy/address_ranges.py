"""Find the ranges of services that contain an address.

Nearly every address of an answer lies in no range. So its first octets are compared first.
"""

from typing import Final

from resolver.policy.compiled import AddressRange
from resolver.policy.prefix import Prefix
from resolver.policy.prefixes import PrefixTable

_IPV4_IN_IPV6: Final = (
    bytes.fromhex("00000000000000000000ffff"),  # IPv4-mapped (RFC 4291 section 2.5.5.2)
    bytes.fromhex("0064ff9b0000000000000000"),  # NAT64, well-known prefix (RFC 6052 section 2.1)
)
_LOCAL_NAT64: Final = bytes.fromhex("0064ff9b0001")
"""NAT64 prefixes of a network's own choice (RFC 8215); the address is in the last octets of a
/96, which is what translators use."""


class AddressRanges:
    """The ranges of a snapshot."""

    def __init__(self, ranges: tuple[AddressRange, ...]) -> None:
        prefixes = [Prefix(r.network, r.length, place) for place, r in enumerate(ranges)]
        self._table = PrefixTable(prefixes)
        self._first_octets = {octets for r in ranges for octets in _first_octets(r)}

    def matches(self, address: bytes) -> list[int]:
        """The indexes of the ranges that contain an address, the longest first.

        ``address`` has 4 or 16 octets. An IPv4 address inside an IPv6 address is looked up as
        such.
        """
        if len(address) == 16 and (address[:12] in _IPV4_IN_IPV6 or address[:6] == _LOCAL_NAT64):
            address = address[12:]
        if (len(address) << 8 | address[0]) not in self._first_octets:
            return []
        return self._table.matches(address)


def _first_octets(of: AddressRange) -> range:
    """The first octets of a range's addresses, with the size of the addresses above them."""
    first = len(of.network) << 8 | of.network[0]
    return range(first, first + (1 << max(8 - of.length, 0)))
