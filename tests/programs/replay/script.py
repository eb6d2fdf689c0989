"""The script of a replay: from a seed, the steps that both trees play.

A step is a reload, a flush, a jump of the wall clock, the passing of time, or a packet from a
client. The same seed gives the same steps on every machine.
"""

import random
from collections.abc import Iterator
from typing import NamedTuple

from tests.programs.replay import agency
from tests.programs.replay.names import KINDS, wire

WALL = 1_700_000_000.0
"""What the wall clock shows at the beginning."""
TICK = 1 / 1024
"""All times are multiples of this, so that sums of times are exact."""


class Reload(NamedTuple):
    """Put another config in force."""

    config: str


class Flush(NamedTuple):
    """Forget the answers for a name and all names below it."""

    zone: bytes


class Shift(NamedTuple):
    """Set the wall clock forward or back."""

    seconds: float


class Pass(NamedTuple):
    """Let time pass."""

    seconds: float


class Packet(NamedTuple):
    """A packet from a client."""

    address: str
    stream: bool
    octets: bytes


Step = Reload | Flush | Shift | Pass | Packet


def steps(seed: int, packets: int) -> Iterator[Step]:
    """The steps, with so many packets among them; the first is a reload."""
    rng = random.Random(seed)
    now = 0.0
    yield Reload(agency.config(rng, WALL))
    recent: list[bytes] = []
    for number in range(packets):
        if number % 16 == 0:
            yield from (each for each in _seldom(rng, WALL + now) if each is not None)
        passed = Pass(_pause(rng))
        now += passed.seconds
        yield passed
        busy = agency.CLIENTS[:40:8] if rng.random() < 0.6 else agency.CLIENTS
        yield Packet(rng.choice(busy), rng.random() < 0.15, _packet(rng, recent))


def _seldom(rng: random.Random, wall: float) -> Iterator[Step | None]:
    yield Reload(agency.config(rng, wall)) if rng.random() < 0.006 else None
    yield Flush(wire(rng.choice(agency.FLUSHED))) if rng.random() < 0.003 else None
    yield Shift(rng.choice((-300.0, 300.0))) if rng.random() < 0.001 else None


def _pause(rng: random.Random) -> float:
    """Seconds until the next packet: many come at once, some long after the one before."""
    (most,) = rng.choices((0, 20, 400, 4000, 60_000, 500_000), (50, 40, 9, 1, 0.2, 0.01))
    return rng.randint(0, most) * TICK


def _packet(rng: random.Random, recent: list[bytes]) -> bytes:
    """A packet: one like those before it, a new one, or one that is harmed."""
    if recent and rng.random() < 0.75:
        some = recent[-6:] if rng.random() < 0.5 else recent
        packet = rng.randbytes(2) + rng.choice(some)[2:]
    else:
        packet = _query(rng)
        recent.append(packet)
        if len(recent) > 400:
            recent.pop(rng.randrange(400))
    if rng.random() < 0.04:
        return _harmed(rng, packet)
    return packet if rng.random() > 0.003 else rng.randbytes(rng.randint(0, 60))


_TYPES = (1, 28, 65, 16, 2, 5, 6, 15, 12, 33, 43, 48, 64, 255, 65280, 41, 250, 252)
_TYPE_WEIGHTS = (40, 20, 14, 4, 1, 2, 2, 2, 2, 1, 1, 1, 1, 2, 1, 0.2, 0.2, 0.2)
_FLAGS = (0x0100, 0x0120, 0x0110, 0x0000, 0x0130, 0x0140, 0x0500, 0x0900, 0x2100, 0x8180)
_FLAG_WEIGHTS = (80, 8, 4, 2, 2, 0.5, 0.3, 0.3, 0.3, 0.3)


_BARE_OPT = b"\x00\x00\x29\x04\xd0\x00\x00\x00\x00\x00\x00"
_USUAL = (
    *((0x0100, 1, b""), (0x0100, 1, _BARE_OPT), (0x0120, 1, _BARE_OPT)),
    (0x0100, 1, _BARE_OPT[:7] + b"\x80\x00\x00\x00"),
)
"""Flags, class and OPT as most clients send them."""


def _query(rng: random.Random) -> bytes:
    (kind,) = rng.choices(list(KINDS), [weight for weight, _ in KINDS.values()])
    name = wire(_cased(rng, KINDS[kind][1](rng)))
    (qtype,) = rng.choices(_TYPES, _TYPE_WEIGHTS)
    flags, qclass, opt = rng.choice(_USUAL)
    if rng.random() < 0.3:
        (flags,) = rng.choices(_FLAGS, _FLAG_WEIGHTS)
        qclass = 1 if rng.random() > 0.03 else rng.choice((3, 4, 255, 254))
        opt = _opt(rng)
    counts = (1, 0, 0, bool(opt))
    head = rng.randbytes(2) + b"".join(each.to_bytes(2, "big") for each in (flags, *counts))
    return head + name + qtype.to_bytes(2, "big") + qclass.to_bytes(2, "big") + opt


def _cased(rng: random.Random, name: str) -> str:
    """The name as it is, in capitals, or with letters of both cases."""
    if rng.random() > 0.15:
        return name
    return "".join(rng.choice((each.lower(), each.upper())) for each in name)


_OPTIONS = (
    b"",
    b"\x00\x0a\x00\x08abcdefgh",  # a cookie
    b"\x00\x0c\x00\x20" + bytes(32),  # padding
    b"\x00\x08\x00\x07\x00\x01\x18\x00\xc0\x00\x02",  # a client subnet
    b"\x00\x03\x00\x00",  # NSID
    b"\x00\x0b\x00\x00",  # keepalive
)


def _opt(rng: random.Random) -> bytes:
    """An OPT record, or none."""
    if rng.random() < 0.4:
        return b""
    (size,) = rng.choices((1232, 4096, 512, 1400, 65535, 100, 0), (60, 15, 10, 5, 3, 1, 1))
    (version,) = rng.choices((0, 1, 255), (100, 1, 0.5))
    flags = rng.choices((0, 0x8000, 0x4000), (70, 30, 1))[0]
    options = rng.choice(_OPTIONS) if rng.random() < 0.15 else b""
    return (
        b"\x00\x00\x29"
        + size.to_bytes(2, "big")
        + bytes((0, version))
        + flags.to_bytes(2, "big")
        + len(options).to_bytes(2, "big")
        + options
    )


def _harmed(rng: random.Random, packet: bytes) -> bytes:
    """A packet with some octets changed, put in, or left out."""
    harmed = bytearray(packet)
    match rng.randrange(5):
        case 0:
            del harmed[rng.randrange(len(harmed)) :]
        case 1:
            harmed += rng.randbytes(rng.randint(1, 20))
        case 2:
            harmed[rng.randrange(4, 12)] = rng.randrange(4)
        case _:
            for _ in range(rng.randint(1, 4)):
                harmed[rng.randrange(2, len(harmed))] = rng.randrange(256)
    return bytes(harmed)
