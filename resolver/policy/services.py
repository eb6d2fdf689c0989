"""Sets of services: a whole number, whose bit n stands for the n-th service of a config."""

from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")


def services_in(bits: int, services: Iterable[T]) -> Iterator[T]:
    """The services that a set holds, from all of them in the config's order.

    ``services`` may hold anything else that goes by service, as their places.
    """
    return (service for place, service in enumerate(services) if bits >> place & 1)


def union(sets: Iterable[int]) -> int:
    """The services that any of several sets holds."""
    bits = 0
    for each in sets:
        bits |= each
    return bits
