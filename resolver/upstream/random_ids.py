"""Random numbers that nobody can guess, read from the kernel in batches."""

import os
from array import array
from collections.abc import Callable
from itertools import chain, repeat
from typing import Final

_BATCH: Final = 8192
"""Octets read at once."""


class RandomIds:
    """Random 16-bit numbers."""

    __slots__ = ("u16",)

    def __init__(self) -> None:
        batches = map(os.urandom, repeat(_BATCH))
        numbers = chain.from_iterable(map(array, repeat("H"), batches))
        self.u16: Callable[[], int] = numbers.__next__
        """Return a number from 0 to 65535, uniformly distributed."""
