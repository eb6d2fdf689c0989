"""Compile the prefixes of a config."""

from collections.abc import Iterable, Iterator

from resolver.config.values import Network
from resolver.policy.prefix import Prefix


def compile_prefixes(groups: Iterable[Iterable[Network]]) -> Iterator[Prefix]:
    """Prefixes by owner, such as those of each VLAN; each has the index of its owner."""
    for owner, networks in enumerate(groups):
        for network in networks:
            yield Prefix(network.network_address.packed, network.prefixlen, owner)
