"""Find the answer of a filter: an address in it that the filter is known to answer with.

Nearly no answer has one, and every response of an upstream is looked at once, when it comes. So the
first octet of an address is compared before anything else.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from resolver.dns import codes
from resolver.dns.ipv4_in_ipv6 import in_ipv6, without_ipv6
from resolver.dns.response import Response
from resolver.policy.compiled import FilterRange
from resolver.policy.prefix import Prefix
from resolver.policy.prefixes import PrefixTable

_HEAD: Final = 3
"""Octets at the beginning of an address: all addresses of a range have the same, however written
(``lists.ranges``)."""


class FilterAddresses:
    """The addresses of a filter."""

    __slots__ = ("_first", "_heads", "_ranges", "_table")

    def __init__(self, ranges: Iterable[FilterRange]) -> None:
        self._ranges = tuple(ranges)
        self._table = PrefixTable(
            [
                Prefix(prefix.network, prefix.length, index)
                for index, prefix in enumerate(self._ranges)
            ]
        )
        heads = {head for prefix in self._ranges for head in _heads(prefix)}
        self._heads = frozenset(heads)
        firsts = {head[0] for head in heads}
        self._first = bytes([octet in firsts for octet in range(256)])
        """By the first octet of an address, whether some range may have it."""

    def in_response(self, response: Response) -> bytes:
        """The first address of the filter in the answer section; empty without one.

        Only A and AAAA records are looked at, not the hints of SVCB and HTTPS records.
        """
        packet, first, answers = response.packet, self._first, response.counts[0]
        for at in response.type_offsets:
            if answers == 0:
                break
            answers -= 1
            rtype = packet[at] << 8 | packet[at + 1]
            if rtype == codes.A:
                end = at + 14
            elif rtype == codes.AAAA:
                end = at + 26
            else:
                continue
            if first[packet[at + 10]]:
                address = packet[at + 10 : end]
                if self.range_of(address) is not None:
                    return address
        return b""

    def range_of(self, address: bytes) -> FilterRange | None:
        """The longest range that contains an address; also an IPv4 address inside IPv6."""
        if address[:_HEAD] not in self._heads:
            return None
        owners = self._table.matches(without_ipv6(address))
        return self._ranges[owners[0]] if owners else None


def _heads(of: FilterRange) -> Iterator[bytes]:
    """The first octets of the addresses of a range, also inside IPv6."""
    yield of.network[:_HEAD]
    if len(of.network) == 4:
        for network, _ in in_ipv6(of.network, of.length):
            yield network[:_HEAD]
