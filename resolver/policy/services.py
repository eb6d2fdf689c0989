"""Sets of services: a whole number, whose bit n stands for the n-th service of a config."""

from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")


def services_in(bits: int, services: Iterable[T]) -> Iterator[T]:
    """The services that a set holds, from all of them in the config's order.

    ``services`` may be any values of which the n-th is that of the n-th service.
    """
    return (service for index, service in enumerate(services) if bits >> index & 1)


ENCRYPTED_DNS = "encrypted-dns"
"""The category of the ways around this resolver."""


def union(sets: Iterable[int]) -> int:
    """The services that any of several sets holds."""
    bits = 0
    for services in sets:
        bits |= services
    return bits
