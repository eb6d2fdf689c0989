"""Compile the addresses of the national filter, without those of the agency's own networks."""

from collections.abc import Iterable, Iterator

from resolver.config.values import Network
from resolver.lists.rules import BlockList
from resolver.policy.compiled import FilterRange


def national_filter_ranges(
    lists: Iterable[BlockList], own_prefixes: Iterable[Network]
) -> Iterator[FilterRange]:
    """The ranges of all files of the filter; ``own_prefixes`` are the agency's prefixes."""
    for block_list in lists:
        for given in block_list.ranges if block_list.of_filter else ():
            for network in _without(given.network, own_prefixes):
                first, length = network.network_address.packed, network.prefixlen
                yield FilterRange(first, length, given.meaning, block_list.file, given.line)


def _without(network: Network, own_prefixes: Iterable[Network]) -> list[Network]:
    """The parts of a network that are in none of these prefixes."""
    left: list[Network] = [network]
    for prefix in own_prefixes:
        left = [part for piece in left for part in _outside(piece, prefix)]
    return left


def _outside(network: Network, prefix: Network) -> Iterator[Network]:
    """The parts of a network outside of a prefix."""
    if not prefix.overlaps(network):
        yield network
    elif prefix.prefixlen > network.prefixlen:
        yield from network.address_exclude(prefix)  # type: ignore[arg-type]  # of one version
