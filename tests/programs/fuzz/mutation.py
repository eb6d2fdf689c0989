"""Damaging bytes as networks and attackers do: the same seed gives the same damage."""

from collections.abc import Callable
from random import Random

_INTERESTING = (0x00, 0x01, 0x3F, 0x40, 0x7F, 0x80, 0xBF, 0xC0, 0xC1, 0xFF)


def mutated(random: Random, data: bytes, times: int = 4) -> bytes:
    """The bytes after one to ``times`` mutations."""
    changed = bytearray(data)
    for _ in range(random.randint(1, times)):
        random.choice(_MUTATIONS)(random, changed)
    return bytes(changed)


def _flip(random: Random, data: bytearray) -> None:
    if data:
        data[random.randrange(len(data))] ^= 1 << random.randrange(8)


def _set(random: Random, data: bytearray) -> None:
    if data:
        data[random.randrange(len(data))] = random.choice(_INTERESTING)


def _any(random: Random, data: bytearray) -> None:
    if data:
        data[random.randrange(len(data))] = random.randrange(256)


def _cut(random: Random, data: bytearray) -> None:
    if data:
        del data[random.randrange(len(data)) :]


def _delete(random: Random, data: bytearray) -> None:
    if data:
        at = random.randrange(len(data))
        del data[at : at + random.randint(1, 8)]


def _insert(random: Random, data: bytearray) -> None:
    at = random.randint(0, len(data))
    data[at:at] = random.randbytes(random.randint(1, 8))


def _repeat(random: Random, data: bytearray) -> None:
    if data:
        at = random.randrange(len(data))
        part = data[at : at + random.randint(1, 32)]
        data[at:at] = part


def _point(random: Random, data: bytearray) -> None:
    """A compression pointer to somewhere in the packet."""
    if len(data) >= 2:
        at = random.randrange(len(data) - 1)
        data[at : at + 2] = (0xC000 | random.randrange(min(len(data), 0x4000))).to_bytes(2, "big")


def _count(random: Random, data: bytearray) -> None:
    """One of the header's counts."""
    if len(data) >= 12:
        at = random.choice((4, 6, 8, 10))
        data[at : at + 2] = random.choice((0, 1, 2, 3, 255, 65535)).to_bytes(2, "big")


_MUTATIONS: tuple[Callable[[Random, bytearray], None], ...] = (
    _flip,
    _set,
    _any,
    _cut,
    _delete,
    _insert,
    _repeat,
    _point,
    _count,
)


def spliced(random: Random, first: bytes, second: bytes) -> bytes:
    """The beginning of the one and the end of the other, cut at line ends where there are."""
    if b"\n" in first and b"\n" in second:
        one, two = first.splitlines(keepends=True), second.splitlines(keepends=True)
        return b"".join(one[: random.randint(0, len(one))] + two[random.randrange(len(two)) :])
    return first[: random.randint(0, len(first))] + second[random.randint(0, len(second)) :]
