"""PROXY headers, version 2, written from HAProxy's proxy-protocol.txt with ``struct``."""

import struct
from ipaddress import IPv4Address, IPv6Address, ip_address

SIGNATURE = b"\x0d\x0a\x0d\x0a\x00\x0d\x0a\x51\x55\x49\x54\x0a"
LOCAL = SIGNATURE + b"\x20\x00\x00\x00"
"""What a health check of dnsdist begins with."""


def header(
    client: str | IPv4Address | IPv6Address, *, udp: bool = True, tlvs: bytes = b""
) -> bytes:
    """The header of a proxied query."""
    address = ip_address(client)
    server = bytes([192, 0, 2, 53]) if address.version == 4 else bytes(15) + b"\x35"
    family = (0x10 if address.version == 4 else 0x20) | (2 if udp else 1)
    content = address.packed + server + struct.pack("!HH", 40000, 853) + tlvs
    return SIGNATURE + struct.pack("!BBH", 0x21, family, len(content)) + content


def is_valid(packet: bytes) -> bool:
    """Whether a packet begins with a header that names a client, or that is a health check."""
    if len(packet) < 16 or packet[:12] != SIGNATURE:
        return False
    command, family, length = struct.unpack_from("!BBH", packet, 12)
    if len(packet) - 16 < length:
        return False
    if command == 0x20:
        return True
    sizes = {0x11: "4s4sHH", 0x12: "4s4sHH", 0x21: "16s16sHH", 0x22: "16s16sHH"}
    return (
        command == 0x21 and family in sizes and length >= struct.calcsize(f"!{sizes.get(family)}")
    )
