"""Captures made octet by octet: links, addresses, transports, and the two file formats."""

import struct
from collections.abc import Iterable, Sequence
from ipaddress import ip_address

from dnslib import DNSRecord

V4, V6 = "10.10.0.5", "fd00:10::5"
ETHERNET, COOKED, COOKED_2, RAW, LOOPBACK = 1, 113, 276, 101, 0
LINKS = (ETHERNET, COOKED, COOKED_2, RAW, LOOPBACK)


def question(name: str, rtype: str = "A") -> bytes:
    packed: bytes = DNSRecord.question(name, rtype).pack()
    return packed


def udp(payload: bytes, port: int = 53, from_port: int = 40000) -> tuple[int, bytes]:
    port = 40000 if from_port == 53 else port
    return 17, struct.pack("!HHHH", from_port, port, 8 + len(payload), 0) + payload


def tcp(messages: Sequence[bytes], port: int = 53, from_port: int = 40000) -> tuple[int, bytes]:
    port = 40000 if from_port == 53 else port
    payload = b"".join(struct.pack("!H", len(each)) + each for each in messages)
    options = b"\x01\x01\x08\x0a" + bytes(8)
    head = struct.pack("!HHIIBBHHH", from_port, port, 1, 1, 8 << 4, 0x18, 1024, 0, 0)
    return 6, head + options + payload


def ip(client: str, transport: tuple[int, bytes], fragment: int = 0) -> bytes:
    kind, content = transport
    address = ip_address(client)
    if address.version == 4:
        length = 24 + len(content)  # with four octets of options
        head = struct.pack("!BBHHHBBH", 0x46, 0, length, 7, fragment, 64, kind, 0)
        return head + address.packed + bytes([10, 0, 0, 1]) + b"\x01\x01\x01\x00" + content
    options = bytes([kind, 0]) + bytes(6)
    head = struct.pack("!IHBB", 6 << 28, 8 + len(content), 60, 64)
    return head + address.packed + ip_address("fd00::1").packed + options + content


def on_link(link: int, packet: bytes, tags: int = 0) -> bytes:
    kind = struct.pack("!H", 0x0800 if packet[0] >> 4 == 4 else 0x86DD)
    padding = bytes(6)  # as Ethernet has after short packets
    if link == ETHERNET:
        tagged = b"\x81\x00\x00\x0a" * tags + kind
        return bytes(12) + tagged + packet + padding
    if link == COOKED:
        return bytes(14) + kind + packet
    if link == COOKED_2:
        return kind + bytes(18) + packet
    if link == LOOPBACK:
        return struct.pack("<I", 2 if packet[0] >> 4 == 4 else 30) + packet
    return packet


def pcap(link: int, frames: Iterable[bytes], order: str = "<", nanoseconds: bool = False) -> bytes:
    magic = 0xA1B23C4D if nanoseconds else 0xA1B2C3D4
    head = struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 262144, link)
    records = (struct.pack(order + "IIII", 1, 2, len(each), len(each)) + each for each in frames)
    return head + b"".join(records)


def block(kind: int, body: bytes, order: str = "<") -> bytes:
    padded = body + bytes(-len(body) % 4)
    length = struct.pack(order + "I", 12 + len(padded))
    return struct.pack(order + "I", kind) + length + padded + length


def section(order: str = "<") -> bytes:
    return block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1), order)


def interface(link: int, order: str = "<") -> bytes:
    return block(1, struct.pack(order + "HHI", link, 0, 0), order)


def enhanced(number: int, frame: bytes, order: str = "<") -> bytes:
    head = struct.pack(order + "IIIII", number, 0, 0, len(frame), len(frame))
    return block(6, head + frame, order)


def simple(frame: bytes, order: str = "<") -> bytes:
    return block(3, struct.pack(order + "I", len(frame)) + frame, order)


def pcapng(link: int, frames: Iterable[bytes], order: str = "<") -> bytes:
    packets = (enhanced(0, each, order) for each in frames)
    return section(order) + interface(link, order) + b"".join(packets)
