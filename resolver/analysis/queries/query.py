"""Questions and how often they were asked; and what could not be counted, with the reason."""

from collections import Counter
from typing import NamedTuple

from resolver import DarbanError


class UnknownFormat(DarbanError):
    """A file in none of the formats that can be read; the message says what it is."""


class Requester(NamedTuple):
    """Who asked: a client by its address, a VLAN by its name, or any VLAN (both empty)."""

    client: str = ""
    vlan: str = ""


ANY_REQUESTER = Requester()


class Question(NamedTuple):
    """A name (lower-case wire form), a type, and who asked."""

    who: Requester
    name: bytes
    qtype: int


class QueryCounts:
    """The questions of a file so far."""

    def __init__(self) -> None:
        self.counts: dict[Question, int] = {}
        self.skipped: Counter[str] = Counter()
        """How much could not be counted, by reason."""
        self.first: dict[str, str] = {}
        """The first place of each reason."""
        self.not_recorded: dict[str, int] = {}
        """The queries that a recording had no room for, by VLAN."""

    @property
    def total(self) -> int:
        """How many queries there were."""
        return sum(self.counts.values())

    def add(self, question: Question, times: int = 1) -> None:
        """Count a question."""
        self.counts[question] = self.counts.get(question, 0) + times

    def skip(self, reason: str, place: str) -> None:
        """Note something that cannot be counted."""
        self.skipped[reason] += 1
        self.first.setdefault(reason, place)
