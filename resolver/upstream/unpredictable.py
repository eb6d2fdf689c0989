"""Numbers that nobody can guess, taken from the kernel some thousands at a time."""

import os
from array import array

_BATCH = 8192


class Unpredictable:
    """A supply of random 16-bit numbers."""

    __slots__ = ("_numbers",)

    def __init__(self) -> None:
        self._numbers = iter(array("H"))

    def u16(self) -> int:
        """A number from 0 to 65535, each as likely."""
        for number in self._numbers:
            return number
        self._numbers = iter(array("H", os.urandom(_BATCH)))
        return next(self._numbers)
