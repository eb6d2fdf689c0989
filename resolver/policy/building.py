"""Build the large tables of a policy, beside an event loop that goes on answering.

A worker calls these functions in a thread. They stay interpreted in a compiled wheel: a compiled
function holds the interpreter lock until it returns, so the event loop would stop meanwhile.

Where loop and thread share a processor, the kernel gives each of them some milliseconds in turn. So
these functions call ``pause`` after every few hundred values. The worker's pause sleeps for a
moment, in which the loop goes on.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Final, TypeVar

from resolver.dns import names
from resolver.policy.prefix import Prefix

T = TypeVar("T")
Pause = Callable[[], None]

_TURN: Final = 256
"""Values between two pauses."""

Networks = dict[int, dict[int, dict[int, list[int]]]]
"""Owners of prefixes by address size in octets, prefix length, and network number."""


def no_pause() -> None:
    """Go on at once: no loop waits for the processor."""


def with_pauses(values: Iterable[T], pause: Pause, turn: int = _TURN) -> Iterator[T]:
    """The same values; ``pause`` is called before each ``turn`` of them."""
    for count, value in enumerate(values):
        if count % turn == 0:
            pause()
        yield value


def ancestors(*of: Iterable[bytes], pause: Pause = no_pause) -> set[bytes]:
    """All names strictly above these names."""
    above: set[bytes] = set()
    for name in with_pauses(chain.from_iterable(of), pause):
        at = 0
        while length := name[at]:
            at += 1 + length
            above.add(name[at:])
    return above


def networks(prefixes: Iterable[Prefix], pause: Pause) -> Networks:
    """Prefixes by family and length; the longest come first."""
    by_size: Networks = {4: {}, 16: {}}
    for prefix in with_pauses(prefixes, pause):
        lengths = by_size[len(prefix.network)]
        of_length = lengths.setdefault(prefix.length, {})
        number = int.from_bytes(prefix.network, "big")
        of_length.setdefault(number, []).append(prefix.owner)
    return {
        size: dict(sorted(by_number.items(), reverse=True)) for size, by_number in by_size.items()
    }


def top_labels(of: Iterable[bytes]) -> frozenset[bytes]:
    """The marks of the last labels of these names (``names.top``)."""
    return frozenset(names.top(name) for name in of)
