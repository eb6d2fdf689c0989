"""The IPv4 address inside an IPv6 address: one address, however a record writes it.

Teredo (RFC 4380) is left out. The IPv4 address there is that of a Teredo client, which takes only
packets in tunnels of UDP; no server of a service or of this network does.
"""

from collections.abc import Iterator
from typing import Final

_LOOPBACK: Final = bytes(15) + b"\x01"
"""``::1``; it and ``::`` look like IPv4-compatible addresses, and are none."""
_BEFORE_IPV4: Final = (
    bytes(12),  # IPv4-compatible (RFC 4291 section 2.5.5.1)
    bytes(10) + b"\xff\xff",  # IPv4-mapped (RFC 4291 section 2.5.5.2)
    bytes.fromhex("0064ff9b0000000000000000"),  # NAT64, well-known prefix (RFC 6052 section 2.1)
)
_LOCAL_NAT64: Final = bytes.fromhex("0064ff9b0001")
"""NAT64 prefixes of a network's own choice (RFC 8215); the address is in the last octets of a
/96, which is what translators use."""


def without_ipv6(address: bytes) -> bytes:
    """The IPv4 address inside an IPv6 address, or else the address itself."""
    if len(address) != 16:
        return address
    if address[0] == 0:
        inside = address[:12] in _BEFORE_IPV4 or address[:6] == _LOCAL_NAT64
        return address[12:] if inside and address > _LOOPBACK else address
    is_6to4 = address[0] == 0x20 and address[1] == 0x02  # 2002::/16 (RFC 3056 section 2)
    return address[2:6] if is_6to4 else address


def in_ipv6(network: bytes, length: int) -> Iterator[tuple[bytes, int]]:
    """The IPv6 prefixes in which a prefix of IPv4 is written; without NAT64 of own prefixes."""
    for before in _BEFORE_IPV4:
        yield before + network, 96 + length
    yield b"\x20\x02" + network + bytes(10), 16 + length
