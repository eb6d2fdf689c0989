"""Prefixes of addresses, as a snapshot has them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Prefix:
    """A prefix of a VLAN or of an exemption."""

    network: bytes
    """4 or 16 octets."""
    length: int
    owner: int
    """The index of the VLAN or of the exemption."""
