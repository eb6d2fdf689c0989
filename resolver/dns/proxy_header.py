"""Scan a PROXY header, version 2: a server in front says with it for whom it asks.

The header stands before each query over UDP, and once at the start of a TCP connection. Section
2.2 of HAProxy's proxy-protocol.txt defines it. Of its content only the client's address is read;
the ports, the destination and the extensions (TLVs) are skipped.

What must stay true:
- ``scan`` is total: any octets give a header or None, in constant time.
- A header that is cut short, or that says nothing of a client, is never taken for a valid one:
  its sender would otherwise be taken for the client.
"""

from typing import Final

FIXED: Final = 16
"""Octets of a header before its addresses."""

_SIGNATURE: Final = b"\r\n\r\n\x00\r\nQUIT\n"
_LOCAL: Final = 0x20
_PROXY: Final = 0x21
_ADDRESS_SIZES: Final[dict[int, int]] = {0x11: 4, 0x12: 4, 0x21: 16, 0x22: 16}
"""Octets of an address, by family and transport: TCP or UDP over IPv4, then over IPv6."""
_PORTS: Final = 4
_MAPPED: Final = bytes(10) + b"\xff\xff"
"""The beginning of an IPv4 address that is written as IPv6 (RFC 4291 section 2.5.5.2)."""


class ProxyHeader:
    """A valid header."""

    __slots__ = ("client", "size")

    def __init__(self, client: bytes, size: int) -> None:
        self.client = client
        """4 or 16 octets; empty if the server in front asks for itself, to see whether this one
        lives (the command LOCAL)."""
        self.size = size
        """Octets of the header; the query stands behind it."""


def header_size(octets: bytes) -> int:
    """The size of the header that begins with these octets; 0 if no header begins so.

    While fewer than ``FIXED`` octets are there, it is ``FIXED``.
    """
    if octets[: len(_SIGNATURE)] != _SIGNATURE[: len(octets)]:
        return 0
    return FIXED if len(octets) < FIXED else FIXED + (octets[14] << 8 | octets[15])


def scan(packet: bytes) -> ProxyHeader | None:
    """Read the header at the start of a packet; None if there is no valid one."""
    size = header_size(packet)
    if not size or size > len(packet):
        return None
    if packet[12] == _LOCAL:
        return ProxyHeader(b"", size)
    length = _ADDRESS_SIZES.get(packet[13], 0)
    if packet[12] != _PROXY or not length or size < FIXED + 2 * length + _PORTS:
        return None
    client = packet[FIXED : FIXED + length]
    return ProxyHeader(client.removeprefix(_MAPPED) if length == 16 else client, size)
