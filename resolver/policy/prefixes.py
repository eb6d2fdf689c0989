"""Addresses, and the prefixes that contain them."""

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Final

from resolver.policy.building import Pause, networks, no_pause
from resolver.policy.prefix import Prefix

Network = IPv4Network | IPv6Network
_LOOPBACK_V6: Final = bytes(15) + b"\x01"


def packed(address: str) -> bytes:
    """The 4 or 16 octets of an address, without an IPv6 scope."""
    return ip_address(address.partition("%")[0]).packed


def address_text(address: bytes) -> str:
    """An address as text."""
    return str(ip_address(address))


def is_link_local(address: bytes) -> bool:
    """Whether an address is in fe80::/10: it means nothing without the interface."""
    return len(address) == 16 and address[0] == 0xFE and address[1] & 0xC0 == 0x80


def is_loopback(address: bytes) -> bool:
    """Whether an address is in 127.0.0.0/8, or is ::1."""
    return address[0] == 127 if len(address) == 4 else address == _LOOPBACK_V6


def client_prefix(address: bytes) -> bytes:
    """The /24 or /64 of an address: clients are limited by these prefixes.

    A host on a link with a /64 can take any number of its addresses, and none of another link's.
    """
    return address[:3] if len(address) == 4 else address[:8]


def client_prefix_text(prefix: bytes) -> str:
    """A prefix of ``client_prefix`` as text."""
    size = 4 if len(prefix) == 3 else 16
    return prefix_text(prefix.ljust(size, b"\0"), 8 * len(prefix))


def prefix_text(network: bytes, length: int) -> str:
    """A prefix as text; ``network`` has 4 or 16 octets."""
    return str(ip_network((network, length)))


def network_of(prefix: Prefix) -> Network:
    """A prefix as a network."""
    return ip_network((prefix.network, prefix.length))


def by_owner(prefixes: Iterable[Prefix]) -> dict[int, list[Prefix]]:
    """The prefixes of each owner that has any."""
    prefixes_of: dict[int, list[Prefix]] = {}
    for prefix in prefixes:
        prefixes_of.setdefault(prefix.owner, []).append(prefix)
    return prefixes_of


def common(some: Iterable[Network], others: list[Network]) -> list[Network]:
    """The smaller of each two prefixes that overlap."""
    return [
        one if one.prefixlen >= other.prefixlen else other
        for one in some
        for other in others
        if one.overlaps(other)
    ]


class PrefixTable:
    """Owners by prefix; the longest prefix that contains an address wins."""

    def __init__(self, prefixes: Iterable[Prefix], pause: Pause = no_pause) -> None:
        self._by_size = networks(prefixes, pause)

    def matches(self, octets: bytes) -> list[int]:
        """The owners of all prefixes that contain the address, the longest prefix first."""
        bits = len(octets) * 8
        number = int.from_bytes(octets, "big")
        owners: list[int] = []
        for length, by_number in self._by_size[len(octets)].items():
            shift = bits - length
            owners += by_number.get(number >> shift << shift, ())
        return owners


def host_capacity(prefixes: Iterable[Network]) -> int:
    """How many hosts can have addresses in prefixes that do not overlap.

    A host has one address of each family, so the family with more addresses is counted.
    """
    of_family = {4: 0, 6: 0}
    for network in prefixes:
        of_family[network.version] += network.num_addresses
    return max(of_family.values())
