"""Count questions by VLAN, name and type, without clients, for ``darban record``.

``darban record`` asks for the counts periodically, and each time takes some of them. If it asks no
more (for example, because it was killed), the recording ends.

What must stay true: a recording never holds more than ``MAX_QUESTIONS`` questions, however many
different names are asked. Questions beyond that are counted, by VLAN only.
"""

from collections import Counter
from typing import Final, NamedTuple

MAX_QUESTIONS: Final = 50_000
"""Different questions in a recording; some 10 MB."""
LEASE: Final = 10.0
"""Seconds after the last request at which a recording ends."""

Row = tuple[str, str, int, int]
"""VLAN, name (hexadecimal wire form), type, count."""


class TakenCounts(NamedTuple):
    """Counts that were taken from a recording."""

    rows: list[Row]
    left_out: dict[str, int]
    """Questions beyond ``MAX_QUESTIONS``, by VLAN."""
    more: bool
    """Whether there may be more counts to take."""


class Recording:
    """The counts of one ``darban record``."""

    def __init__(self, owner: str, now: float) -> None:
        """``owner`` identifies a ``darban record``; ``now`` is in monotonic seconds."""
        self.owner = owner
        self.until = now + LEASE
        self._counts: dict[tuple[str, bytes, int], int] = {}
        self._left_out: Counter[str] = Counter()

    def count(self, vlan: str, name: bytes, qtype: int) -> None:
        """Count a question."""
        key = (vlan, name, qtype)
        count = self._counts.get(key, 0)
        if count or len(self._counts) < MAX_QUESTIONS:
            self._counts[key] = count + 1
        else:
            self._left_out[vlan] += 1

    def take(self, max_rows: int, now: float) -> TakenCounts:
        """Take counts out of the recording, and extend its lease."""
        self.until = now + LEASE
        rows: list[Row] = []
        while self._counts and len(rows) < max_rows:
            (vlan, name, qtype), count = self._counts.popitem()
            rows.append((vlan, name.hex(), qtype, count))
        left_out = dict(self._left_out)
        self._left_out.clear()
        return TakenCounts(rows, left_out, len(rows) == max_rows)
