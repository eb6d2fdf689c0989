"""What is counted of a query: never who asked, never for what name."""

import enum
from typing import NamedTuple

from resolver.policy.verdict import Outcome


class Path(enum.IntEnum):
    """How far a query went for its answer: the label of its duration."""

    CACHE = 0
    """Answered without waiting for an upstream."""
    UPSTREAM = 1


class QueryLabels(NamedTuple):
    """The labels of one query that was answered, refused or dropped."""

    vlan: int
    outcome: Outcome
    service: int
    rcode: int
    qtype: int


class LabelledCounter:
    """Labels, and where queries with these labels are counted: looked up once for many."""

    __slots__ = ("index", "labels")

    def __init__(self, labels: QueryLabels, index: int) -> None:
        self.labels = labels
        self.index = index
