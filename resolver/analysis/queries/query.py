"""Questions that were asked, counted; and what could not be counted, with the reason."""

from collections import Counter
from collections.abc import Sized
from typing import NamedTuple, Protocol, SupportsIndex, overload

from resolver.errors import DarbanError


class UnknownFormat(DarbanError):
    """A file that is none of the kinds that can be read; the message says what it is."""


class FileContent(Sized, Protocol):
    """A file's content, in memory or mapped."""

    @overload
    def __getitem__(self, at: SupportsIndex, /) -> int: ...
    @overload
    def __getitem__(self, at: slice, /) -> bytes: ...
    def find(self, sub: bytes, start: int, /) -> int:
        """Where some octets come next, or -1."""


class Requester(NamedTuple):
    """Who asked: a client by its address, a VLAN by its name, or any VLAN (both empty)."""

    client: str = ""
    vlan: str = ""


ANY_REQUESTER = Requester()


class Question(NamedTuple):
    """A name (lower-case wire form) and a type, and who asked."""

    who: Requester
    name: bytes
    qtype: int


class QueryCounts:
    """What a file has told so far."""

    def __init__(self) -> None:
        self.counts: dict[Question, int] = {}
        self.skipped: Counter[str] = Counter()
        """By reason, what was no question that can be judged."""
        self.first: dict[str, str] = {}
        """By reason, where that was met first."""

    @property
    def total(self) -> int:
        """How many questions there were."""
        return sum(self.counts.values())

    def add(self, question: Question, times: int = 1) -> None:
        """Count a question."""
        self.counts[question] = self.counts.get(question, 0) + times

    def skip(self, reason: str, place: str) -> None:
        """Count something that is no question."""
        self.skipped[reason] += 1
        self.first.setdefault(reason, place)
