"""Compile the addresses of a filter, without those of the agency's own networks."""

from collections.abc import Iterable, Iterator

from resolver.config.values import Network
from resolver.lists.rules import BlockList
from resolver.policy.compiled import FilterRange


def filter_ranges(lists: Iterable[BlockList], own: Iterable[Network]) -> Iterator[FilterRange]:
    """The ranges of all files of a filter; ``own`` are the agency's prefixes."""
    for each in lists:
        for given in each.ranges if each.of_filter else ():
            for network in _without(given.network, own):
                first, length = network.network_address.packed, network.prefixlen
                yield FilterRange(first, length, given.meaning, each.file, given.line)


def _without(network: Network, own: Iterable[Network]) -> list[Network]:
    """The parts of a network that are in none of these prefixes."""
    left: list[Network] = [network]
    for prefix in own:
        left = [part for each in left for part in _outside(each, prefix)]
    return left


def _outside(network: Network, prefix: Network) -> Iterator[Network]:
    """The parts of a network outside of a prefix."""
    if not prefix.overlaps(network):
        yield network
    elif prefix.prefixlen > network.prefixlen:
        yield from network.address_exclude(prefix)  # type: ignore[arg-type]  # of one version
