"""Numbers that nobody can guess, taken from the kernel some thousands at a time."""

import os

_BATCH = 8192


class Unpredictable:
    """A supply of random 16-bit numbers."""

    __slots__ = ("_at", "_octets")

    def __init__(self) -> None:
        self._octets = b""
        self._at = 0

    def u16(self) -> int:
        """A number from 0 to 65535, each as likely."""
        at = self._at
        if at >= len(self._octets):
            self._octets = os.urandom(_BATCH)
            at = 0
        self._at = at + 2
        return self._octets[at] << 8 | self._octets[at + 1]
