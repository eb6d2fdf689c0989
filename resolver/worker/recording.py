"""Counting which names are asked for, by VLAN and without clients, while somebody wants it.

``darban record`` asks again and again, and each time takes away some of what was counted.
When it asks no more (it was killed, the terminal is gone) the recording ends by itself.

What must stay true: it never holds more than ``ROOM`` questions, however many different
names are asked; those that find no room are counted.
"""

from collections import Counter
from typing import NamedTuple

ROOM = 50_000
"""Different questions held between two takings; some 10 MB."""
LEASE = 10.0
"""Seconds that a recording goes on after it was last asked for."""

Row = tuple[str, str, int, int]
"""VLAN, name (wire form, hexadecimal), type, how often."""


class Taken(NamedTuple):
    """Some of what was counted, which is held no longer."""

    rows: list[Row]
    left_out: dict[str, int]
    """Questions that found no room, by VLAN."""
    more: bool
    """Whether there is more to take at once."""


class Recording:
    """Questions counted for one who wants them."""

    def __init__(self, owner: str, now: float) -> None:
        """``owner`` tells one ``darban record`` from another; ``now`` is monotonic."""
        self.owner = owner
        self.until = now + LEASE
        self._counts: dict[tuple[str, bytes, int], int] = {}
        self._left_out: Counter[str] = Counter()

    def count(self, vlan: str, name: bytes, qtype: int) -> None:
        """Count a question."""
        key = (vlan, name, qtype)
        times = self._counts.get(key, 0)
        if times or len(self._counts) < ROOM:
            self._counts[key] = times + 1
        else:
            self._left_out[vlan] += 1

    def take(self, most: int, now: float) -> Taken:
        """Hand over what was counted, so many rows at most, and go on."""
        self.until = now + LEASE
        rows: list[Row] = []
        while self._counts and len(rows) < most:
            (vlan, name, qtype), times = self._counts.popitem()
            rows.append((vlan, name.hex(), qtype, times))
        left_out = dict(self._left_out)
        self._left_out.clear()
        return Taken(rows, left_out, len(rows) == most)
