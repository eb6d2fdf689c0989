"""Withhold private addresses in answers for public names: protection against DNS rebinding.

A page of an attacker whose name leads to an address of the agency's own network can talk to the
server there, since a browser takes all addresses of a name for one site. An upstream group has the
protection or not. Local records and forward zones never have it.

What must stay true:
- The answers of the national filter have private addresses and public ones. They are withheld in
  both families; or in none, where ``rebinding_allow`` lets one of its addresses through.
- A name is let through as the name of a question, never as a target: anybody can make an alias of
  a name that is let through, and a browser knows a site by the name that was asked for.
"""

from collections.abc import Iterable
from typing import Final

from resolver.dns import names
from resolver.dns.ipv4_in_ipv6 import without_ipv6
from resolver.policy.address_ranges import PRIVATE, AddressRanges
from resolver.policy.compiled import FilterRange
from resolver.policy.prefix import Prefix
from resolver.policy.prefixes import PrefixTable, network_of
from resolver.policy.upstream_groups import RebindingProtection
from resolver.policy.verdict import Verdict


def with_filter(of: RebindingProtection, ranges: Iterable[FilterRange]) -> RebindingProtection:
    """The protection that lets all addresses of the filter through where it lets one of them.

    A name would else have the answer of one family and not that of the other.
    """
    filtering = [Prefix(prefix.network, prefix.length, 0) for prefix in ranges]
    let_through = [network_of(prefix) for prefix in of.prefixes]
    if not any(network_of(a).overlaps(b) for a in filtering for b in let_through):
        return of
    return RebindingProtection(of.names, (*of.prefixes, *filtering))


class Rebinding:
    """The protection of one upstream group."""

    def __init__(self, of: RebindingProtection, ranges: AddressRanges) -> None:
        self._names: Final = frozenset(of.names)
        self._prefixes = PrefixTable(of.prefixes)
        self._ranges = ranges

    def check(
        self, name: bytes, addresses: tuple[bytes, ...], filter_address: bytes = b""
    ) -> Verdict | None:
        """The verdict on the answer to the question for a name; None if it passes.

        ``addresses`` are those that ``AddressRanges.distinct`` gives for the answer,
        ``filter_address`` is the first one of the national filter in it.
        """
        for address in addresses:
            if PRIVATE in self._ranges.matches(address) and self._withholds(name, address):
                return Verdict.by_rebinding(address)
        if filter_address and self._withholds(name, filter_address):
            return Verdict.by_rebinding(filter_address)
        return None

    def _withholds(self, name: bytes, address: bytes) -> bool:
        """Whether neither the name nor the address is let through."""
        through = self._prefixes.matches(without_ipv6(address))
        return not through and self._names.isdisjoint(names.zones(name))
