"""What is counted of a query: never who asked, never for what name."""

import enum
from typing import NamedTuple

from resolver.policy.verdict import Outcome


class Path(enum.IntEnum):
    """How far a query had to go for its answer."""

    __hash__ = int.__hash__

    PREPARED = 0
    CACHE = 1
    """Whatever is answered without an upstream, if not prepared."""
    UPSTREAM = 2


class Tally(NamedTuple):
    """One query that has met its end, as far as it is counted."""

    vlan: int
    outcome: Outcome
    service: int
    rcode: int
    qtype: int
    path: Path


class Counted:
    """A tally, and where such queries are counted: looked up once for many."""

    __slots__ = ("cell", "tally")

    def __init__(self, tally: Tally, cell: int) -> None:
        self.tally = tally
        self.cell = cell
