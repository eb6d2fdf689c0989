"""What the upstream servers of a replay answer: a pure function of the question and the time.

Both trees get the same answer to the same question at the same time, whatever they asked
before, so that one difference does not lead to others.
"""

import random
import zlib
from typing import NamedTuple

from tests.programs.replay.names import WAYS, wire
from tests.programs.replay.script import TICK

_A, _NS, _CNAME, _SOA, _TXT, _AAAA, _DNAME, _OPT, _RRSIG, _HTTPS = (
    1,
    2,
    5,
    6,
    16,
    28,
    39,
    41,
    46,
    65,
)
_EPOCH = 40.0
"""Seconds after which a flaky server behaves in another way."""


_SPEAKS = {"192.0.2.2": "192.0.2.1", "2001:db8::53": "192.0.2.1", "10.0.0.21": "10.0.0.20"}
"""Servers of one group give the same answers: which of them is asked then changes no reply."""


class Answer(NamedTuple):
    """What comes of one attempt."""

    after: float = 0.0
    """Seconds until the packet comes."""
    packet: bytes | None = None
    does: str = "answers"
    """``answers`` (with the packet, or never), ``unreachable`` or ``crowded``."""


class _Asked(NamedTuple):
    name: bytes
    question: bytes
    qtype: int
    flags: int
    opt: bool
    signed: bool
    stream: bool
    rng: random.Random


def answer(message: bytes, ident: int, server: str, stream: bool, now: float) -> Answer:
    """What a server does with a query, given without its ID."""
    asked = _read(message, server, stream)
    rng = asked.rng
    after = rng.randint(1, 60) * TICK
    way = _way(asked, now)
    match way:
        case "silent":
            return Answer()
        case "unreachable":
            return Answer(does="unreachable")
        case "crowded" if stream:
            return Answer(does="crowded")
        case "late":
            after = rng.randint(700, 2500) * TICK
        case "crowded":
            after = 200 * TICK
    packet = _packet(asked, way, ident)
    if way == "wrongid" and not stream:
        packet = bytes((packet[0] ^ 1,)) + packet[1:]
    if way == "broken":
        packet = packet[: len(packet) - rng.randint(1, 5)]
    if way == "mutated":
        harmed = bytearray(packet)
        for _ in range(rng.randint(1, 3)):
            harmed[rng.randrange(2, len(harmed))] = rng.randrange(256)
        packet = bytes(harmed)
    return Answer(after, packet)


def _read(message: bytes, server: str, stream: bool) -> _Asked:
    end = 10
    while message[end]:
        end += 1 + message[end]
    name = message[10 : end + 1]
    question = message[10 : end + 5]
    more = message[end + 5 :]
    seed = zlib.crc32(question + _SPEAKS.get(server, server).encode())
    return _Asked(
        name,
        question,
        int.from_bytes(question[-4:-2], "big"),
        int.from_bytes(message[:2], "big"),
        bool(more),
        bool(more) and bool(more[7] & 0x80),
        stream,
        random.Random(seed),
    )


def _way(asked: _Asked, now: float) -> str:
    """How a name is answered: as its first label says, and else as plain as may be."""
    label = asked.name[1 : 1 + asked.name[0]].lower().decode("latin-1")
    way = label.rstrip("0123456789")
    if way == "flaky":
        epoch = int(now / _EPOCH).to_bytes(4, "big")
        turn = zlib.crc32(asked.name + epoch) % 6
        return ("plain", "plain", "silent", "fail", "unreachable", "empty")[turn]
    return way if way in WAYS else ("plain" if asked.rng.random() < 0.9 else "empty")


def _packet(asked: _Asked, way: str, ident: int) -> bytes:
    """The response: header, question and sections."""
    rng = asked.rng
    flags = 0x8180 | asked.flags & 0x0010
    rcode = 0
    sections: tuple[list[bytes], list[bytes], list[bytes]] = ([], [], [])
    question = asked.question
    match way:
        case "missing" | "nosoa":
            rcode = 3
            sections[1].extend([_soa(rng)] if way == "missing" else [])
        case "empty":
            sections[1].append(_soa(rng))
        case "fail" | "refuse":
            rcode = 2 if way == "fail" else 5
        case "formerr" if asked.opt:
            return _assembled(ident, 0x8181, question, ([], [], []))
        case "big" | "crowded" if not asked.stream:
            flags |= 0x0200
        case "notaquery":
            flags &= 0x7FFF
        case "wrongname" if not asked.stream:
            question = wire("other.example.org") + question[-4:]
        case _:
            _fill(asked, way, sections)
    if way in ("signed", "rich") or rng.random() < 0.1:
        flags |= 0x0020
    if asked.opt and way != "formerr":
        sections[2].append(_opt(way))
    return _assembled(ident, flags | rcode, question, sections)


def _assembled(
    ident: int, flags: int, question: bytes, sections: tuple[list[bytes], list[bytes], list[bytes]]
) -> bytes:
    counts = (ident, flags, 1, *(len(each) for each in sections))
    head = b"".join(each.to_bytes(2, "big") for each in counts)
    return head + question + b"".join(b"".join(each) for each in sections)


_POINTER = b"\xc0\x0c"
_TARGETS = {
    "led": "web.telegram.org",
    "toblocked": "x.viber.com",
    "tolocal": "printer.agency.internal",
    "toforward": "a.partner.example",
    "alias": "plain7.example.com",
    "half": "plain8.example.com",
    "short": "plain9.example.com",
    "chain": "half5.example.org",
}
_RENAMED = "dnamed.example.info"
"""Where a DNAME leads: outside of all zones that have one, or it would lead in a circle."""
_UNFINISHED = ("half", "toblocked", "tolocal", "toforward", "chain", "loop")


def _fill(asked: _Asked, way: str, sections: tuple[list[bytes], list[bytes], list[bytes]]) -> None:
    """Put records into the sections."""
    rng, (answers, authority, additional) = asked.rng, sections
    ttl = {"short": rng.randint(1, 4), "zero": 0, "topbit": 0x80000005}.get(
        way, rng.choice((5, 30, 60, 300, 3600, 86400, 10**7))
    )
    owner = _POINTER if rng.random() < 0.8 else asked.name
    target = _TARGETS.get(way)
    if way == "loop":
        target = f"loop{rng.randrange(3)}.example.com"
    label, base = asked.name[1 : 1 + asked.name[0]], asked.name[1 + asked.name[0] :]
    if way == "dname" and base != wire(_RENAMED):
        answers.append(_record(base, _DNAME, ttl, wire(_RENAMED)))
        target = f"{label.decode()}.{_RENAMED}"
    if target is not None and asked.qtype != _CNAME:
        answers.append(_record(owner, _CNAME, ttl, wire(target)))
        owner = wire(target)
    if way not in _UNFINISHED:
        answers += _data(asked, way, owner, ttl)
    if not answers:
        authority.append(_soa(rng))
    if asked.signed and answers:
        signature = asked.qtype.to_bytes(2, "big") + bytes((8, 2)) + ttl.to_bytes(4, "big")
        answers.append(_record(owner, _RRSIG, ttl, signature + bytes(10) + wire("org") + bytes(64)))
    if way == "rich":
        authority += [
            _record(wire("example.org"), _NS, ttl, wire(f"ns{n}.example.org")) for n in (1, 2)
        ]
        additional += [
            _record(wire(f"ns{n}.example.org"), _A, 9, bytes((192, 0, 2, n))) for n in (1, 2)
        ]
        additional.append(_record(wire("t.me"), _A, 9, bytes(4)))


def _data(asked: _Asked, way: str, owner: bytes, ttl: int) -> list[bytes]:
    """The records of the type that was asked for."""
    rng = asked.rng
    many = {"big": 60, "huge": 40, "crowded": 60}.get(way, rng.choice((1, 1, 1, 2, 4)))
    match asked.qtype:
        case 1:
            data = [rng.randbytes(4) for _ in range(many)]
        case 28:
            data = [rng.randbytes(16) for _ in range(many)]
        case 65 | 64:
            to = rng.choice((".", ".", "plain3.example.org", "web.telegram.org"))
            ports = b"\x00\x01\x00\x03\x02h2"
            data = [rng.choice((b"\x00\x01", b"\x00\x00")) + wire(to) + ports]
        case 16:
            data = [b"\xff" + bytes(255)] * (3 if way == "text" else 1)
        case 5 | 2 | 12:
            data = [wire(rng.choice(("plain1.example.org", "t.me", "ns.example.net")))]
        case 15:
            data = [b"\x00\x0a" + wire(rng.choice(("mail.example.org", "mail.viber.com")))]
        case 33:
            data = [bytes(6) + wire(rng.choice(("sip.example.org", "sip.t.me")))]
        case 6:
            return [_soa(rng, owner)] if rng.random() < 0.5 else []
        case 65280 | 43 | 48:
            data = [rng.randbytes(rng.randint(0, 40))]
        case _:
            data = []
    return [
        _record(owner, asked.qtype, max(0, ttl - number % 3) if ttl < 2**31 else ttl, each)
        for number, each in enumerate(data)
    ]


def _record(owner: bytes, rtype: int, ttl: int, data: bytes) -> bytes:
    head = rtype.to_bytes(2, "big") + b"\x00\x01" + ttl.to_bytes(4, "big")
    return owner + head + len(data).to_bytes(2, "big") + data


_APEX = wire("example.org")


def _soa(rng: random.Random, owner: bytes = _APEX) -> bytes:
    numbers = (1, 3600, 600, 86400, rng.choice((0, 5, 60, 900, 10**6)))
    data = wire("ns.example.org") + wire("root.example.org")
    data += b"".join(each.to_bytes(4, "big") for each in numbers)
    return _record(owner, _SOA, rng.choice((5, 60, 3600)), data)


def _opt(way: str) -> bytes:
    """The response's own OPT; with an Extended DNS Error where the upstream has one to tell."""
    options = b"\x00\x0f\x00\x07\x00\x03stale" if way == "error" else b""
    if way == "refuse":
        options = b"\x00\x0f\x00\x02\x00\x12"
    size = len(options).to_bytes(2, "big")
    return b"\x00\x00\x29\x04\xd0" + bytes((0, 0)) + b"\x00\x00" + size + options
