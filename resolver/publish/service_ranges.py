"""The address ranges of services as rules of response policy zones.

A trigger such as ``22.0.4.154.149.rpz-ip`` matches an answer with an address of the range. In a
zone the longest prefix decides. So where an exemption lets a range pass, the ranges inside it that
stay blocked are written too.

An IPv4 address can be written inside an IPv6 address, which an engine takes for another. So an IPv4
range is a range of IPv6, too, in each of these forms.
"""

import itertools
from collections.abc import Iterator
from typing import NamedTuple

from resolver.dns.ipv4_in_ipv6 import in_ipv6
from resolver.policy.compiled import AddressRange, CompiledConfig
from resolver.policy.services import union


class ServiceRange(NamedTuple):
    """Addresses, and the services that they belong to."""

    network: bytes
    length: int
    services: int
    """One bit each; also the services of the ranges around it."""


def service_ranges(compiled: CompiledConfig) -> list[ServiceRange]:
    """The ranges of a snapshot, each once, those with shorter prefixes first."""
    services: dict[tuple[int, int, int], int] = {}
    for prefix in compiled.ranges:
        service = 1 << compiled.sources[prefix.source].service
        for key in _keys(prefix):
            services[key] = services.get(key, 0) | service
    ranges = []
    for size, length, number in sorted(services):
        network = (number << 8 * size - length).to_bytes(size, "big")
        around = (services.get(_key(network, shorter), 0) for shorter in range(length + 1))
        ranges.append(ServiceRange(network, length, union(around)))
    return ranges


def passing_ranges(
    ranges: list[ServiceRange], blocks: int, exempt: int
) -> Iterator[tuple[ServiceRange, bool]]:
    """What exemptions change: the ranges that pass, and those inside them that do not.

    Each comes with whether it passes. ``blocks`` and ``exempt`` are sets of services.
    """
    passing: set[tuple[int, int, int]] = set()
    for prefix in ranges:
        blocked = prefix.services & blocks
        if not blocked:
            continue
        if not blocked & ~exempt:
            passing.add(_key(prefix.network, prefix.length))
            yield prefix, True
        elif any(_key(prefix.network, shorter) in passing for shorter in range(prefix.length)):
            yield prefix, False


def _keys(of: AddressRange) -> Iterator[tuple[int, int, int]]:
    """Of the range, and of its forms inside IPv6."""
    yield _key(of.network, of.length)
    if len(of.network) == 4:
        yield from itertools.starmap(_key, in_ipv6(of.network, of.length))


def _key(network: bytes, length: int) -> tuple[int, int, int]:
    """The size of the addresses in octets, the length of the prefix, and its bits."""
    bits = 8 * len(network)
    return len(network), length, int.from_bytes(network, "big") >> bits - length
