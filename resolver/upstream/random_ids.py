"""Numbers that nobody can guess, taken from the kernel some thousands at a time."""

import os
from array import array
from collections.abc import Callable
from itertools import chain, repeat

_BATCH = 8192


class RandomIds:
    """A supply of random 16-bit numbers."""

    __slots__ = ("u16",)

    def __init__(self) -> None:
        batches = map(os.urandom, repeat(_BATCH))
        numbers = chain.from_iterable(map(array, repeat("H"), batches))
        self.u16: Callable[[], int] = numbers.__next__
        """A number from 0 to 65535, each as likely."""
