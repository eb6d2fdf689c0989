"""DNS packets by hand: what is sent here must not depend on what is attacked."""

import struct
from collections.abc import Sequence
from typing import NamedTuple

HEADER = 12
QR, TC, RD, RA, CD = 0x8000, 0x0200, 0x0100, 0x0080, 0x0010
NOERROR, SERVFAIL, NXDOMAIN, REFUSED = 0, 2, 3, 5
A, NS, CNAME, SOA, HINFO, TXT, AAAA, OPT, ANY = 1, 2, 5, 6, 13, 16, 28, 41, 255
EDE = 15
NSID = b"\x00\x03\x00\x00"
"""The option of a query that wants the NSID."""
AT_QUESTION = b"\xc0\x0c"


def wire(text: str) -> bytes:
    """A name's wire form; no escapes."""
    labels = [label.encode("ascii") for label in text.strip(".").split(".") if label]
    return b"".join(bytes((len(label),)) + label for label in labels) + b"\x00"


def opt(size: int = 1232, *, dnssec_ok: bool = False, version: int = 0, data: bytes = b"") -> bytes:
    """An OPT record; ``data`` is its options."""
    head = struct.pack("!HHBBHH", OPT, size, 0, version, 0x8000 if dnssec_ok else 0, len(data))
    return b"\x00" + head + data


def question(
    name: str | bytes, qtype: int = A, *, ident: int = 0, flags: int = RD, edns: bytes = b""
) -> bytes:
    """A query; ``edns`` is its OPT record."""
    asked = wire(name) if isinstance(name, str) else name
    counts = (1, 0, 0, 1 if edns else 0)
    return struct.pack("!6H", ident, flags, *counts) + asked + struct.pack("!HH", qtype, 1) + edns


def record(owner: bytes, rtype: int, data: bytes, ttl: int = 300) -> bytes:
    """One record of class IN."""
    return owner + struct.pack("!HHIH", rtype, 1, ttl, len(data)) + data


def address(owner: bytes, text: str, ttl: int = 300) -> bytes:
    """An A record."""
    return record(owner, A, bytes(int(part) for part in text.split(".")), ttl)


def reply(
    packet: bytes,
    answer: Sequence[bytes] = (),
    authority: Sequence[bytes] = (),
    additional: Sequence[bytes] = (),
    *,
    rcode: int = NOERROR,
    flags: int = 0,
    ident: int | None = None,
) -> bytes:
    """The response to a query with one question, under its ID unless another is given."""
    end = question_end(packet)
    said = QR | RA | RD | flags | rcode
    counts = (len(answer), len(authority), len(additional))
    head = struct.pack("!6H", ident_of(packet) if ident is None else ident, said, 1, *counts)
    return head + packet[HEADER:end] + b"".join((*answer, *authority, *additional))


def ident_of(packet: bytes) -> int:
    return int.from_bytes(packet[:2], "big")


def rcode_of(packet: bytes) -> int:
    """The rcode in the header."""
    return packet[3] & 15


def counts_of(packet: bytes) -> tuple[int, int, int, int]:
    """Questions, answers, authorities, additionals."""
    first, second, third, fourth = struct.unpack("!4H", packet[4:HEADER])
    return first, second, third, fourth


def question_end(packet: bytes) -> int:
    """Where the first question ends."""
    at = HEADER
    while packet[at]:
        at += 1 + packet[at]
    return at + 5


class Told(NamedTuple):
    """One record of a packet that is known to be sound."""

    owner: str
    rtype: int
    ttl: int
    data: bytes


class Packet(NamedTuple):
    """A sound packet's parts, as far as these attacks look."""

    rcode: int
    """With the OPT's upper bits."""
    flags: int
    answer: list[Told]
    authority: list[Told]
    additional: list[Told]
    errors: list[int]
    """Extended DNS Errors."""

    @property
    def addresses(self) -> list[str]:
        """The A records of the answer."""
        return [".".join(map(str, told.data)) for told in self.answer if told.rtype == A]


def read(packet: bytes) -> Packet:
    """Take a packet apart; IndexError or struct.error where it is not sound, or does not end."""
    at = question_end(packet) if packet[4:6] != b"\x00\x00" else HEADER
    sections: list[list[Told]] = []
    for count in counts_of(packet)[1:]:
        section = []
        for _ in range(count):
            told, at = _record(packet, at)
            section.append(told)
        sections.append(section)
    if at != len(packet):
        raise IndexError(at)
    rcode, errors = rcode_of(packet), []
    for told in sections[2]:
        if told.rtype == OPT:
            rcode |= (told.ttl >> 24) << 4
            errors = _errors(told.data)
    flags = int.from_bytes(packet[2:4], "big")
    return Packet(rcode, flags, sections[0], sections[1], sections[2], errors)


def _record(packet: bytes, at: int) -> tuple[Told, int]:
    owner, at = name_at(packet, at)
    rtype, _, ttl, length = struct.unpack("!HHIH", packet[at : at + 10])
    end = at + 10 + length
    return Told(owner, rtype, ttl, packet[at + 10 : end]), end


def name_at(packet: bytes, at: int) -> tuple[str, int]:
    """The name that stands somewhere, as text, and where it ends there."""
    labels, end = [], 0
    for _ in range(256):
        length = packet[at]
        if length >= 0xC0:
            end = end or at + 2
            at = (length & 0x3F) << 8 | packet[at + 1]
        elif length:
            labels.append(packet[at + 1 : at + 1 + length].decode("latin-1").lower())
            at += 1 + length
        else:
            return ".".join(labels), end or at + 1
    raise IndexError(at)


def _errors(data: bytes) -> list[int]:
    return [int.from_bytes(option[:2], "big") for option in _options(data, EDE)]


def _options(data: bytes, wanted: int) -> list[bytes]:
    found, at = [], 0
    while at + 4 <= len(data):
        option, length = struct.unpack("!HH", data[at : at + 4])
        if option == wanted:
            found.append(data[at + 4 : at + 4 + length])
        at += 4 + length
    return found
