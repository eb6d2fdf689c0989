"""Prefixes of addresses, as a snapshot has them."""

from typing import NamedTuple


class Prefix(NamedTuple):
    """A prefix of a VLAN or of an exemption; there may be 100,000."""

    network: bytes
    """4 or 16 octets."""
    length: int
    owner: int
    """The index of the VLAN or of the exemption."""
