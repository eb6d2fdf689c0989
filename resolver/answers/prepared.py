"""Prepared answers: whole replies, found by the exact octets of the query after its ID.

A reply that was made once for a view and a transport is kept, and sent again with nothing
but the new query's ID before it, until what it rests on ends. Its TTLs are written anew
when a second has passed. Most queries of a busy network end here.

What must stay true:
- With prepared answers switched off every reply is the same, but for the age of its TTLs.
- They belong to a generation: a reload, a flush or the end of an exemption drops them all.
- Octets are bounded, the oldest go first. An answer is prepared only when the same octets
  come a second time, and a question has at most ``VARIANTS`` of them: spelling a name in
  ever new case, or asking with ever new EDNS sizes, crowds out nobody.
"""

import math
from collections import deque

from resolver.answers.entry import Entry
from resolver.answers.tally import Tally
from resolver.dns.query import HEADER

VARIANTS = 8
"""Prepared answers to one question in one view and transport."""
_SEEN = 65536
"""Queries remembered as seen once; when there are more the memory starts anew."""
_OVERHEAD = 600
_PER_TTL = 96
"""Octets that a prepared answer takes besides its packets, and for each of its TTLs. Fitted to
the resident memory of CPython 3.11."""
_ID = 2
_BODY = HEADER - _ID
"""Where an entry's body stands in a reply without its ID."""
_TC = 0x02
"""In the header's third octet."""


class PreparedAnswer:
    """A reply after its ID; times are in monotonic seconds."""

    __slots__ = ("_places", "_stored", "ages_at", "cell", "tail", "tally", "until")

    def __init__(
        self, packet: bytes, tally: Tally, cell: int, kept: Entry | None, now: float
    ) -> None:
        self.tail = packet[_ID:]
        self.tally = tally
        self.cell = cell
        """Where it is counted."""
        self._places: tuple[tuple[int, int], ...] = ()
        self._stored = now
        self.ages_at = self.until = math.inf
        if kept is not None:
            if not packet[2] & _TC:
                self._places = kept.ttls
            self._stored = kept.stored
            self.ages_at = kept.stored + int(now - kept.stored) + 1
            self.until = _end(kept)

    @property
    def ttls(self) -> int:
        """How many TTLs it has to write anew."""
        return len(self._places)

    def age(self, now: float) -> None:
        """Write the TTLs that are left now."""
        age = int(now - self._stored)
        tail = bytearray(self.tail)
        for place, ttl in self._places:
            at, left = place + _BODY, ttl - age
            tail[at : at + 4] = left.to_bytes(4, "big") if left > 0 else b"\x00\x00\x00\x00"
        self.tail = bytes(tail)
        self.ages_at = self._stored + age + 1


def _end(kept: Entry) -> float:
    """When a query has to go the careful way again: at its end, or when a refresh is due."""
    share = 0.9 if kept.lifetime >= 10 else 1.0
    return kept.stored + kept.lifetime * share


class Shelf:
    """The prepared answers of one view and transport."""

    __slots__ = ("answers", "salt", "variants")

    def __init__(self, salt: int) -> None:
        self.salt = salt
        """What tells its marks from those of the other shelves."""
        self.answers: dict[bytes, PreparedAnswer] = {}
        self.variants: dict[bytes, int] = {}
        """By question, in lower case."""


class Prepared:
    """All shelves, and the bound over them."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._shelves: dict[tuple[object, bool], Shelf] = {}
        self._order: deque[tuple[Shelf, bytes, bytes]] = deque()
        self._seen: set[int] = set()

    def shelf(self, view: object, stream: bool) -> Shelf:
        """The shelf of a view and a transport."""
        key = (view, stream)
        if key not in self._shelves:
            self._shelves[key] = Shelf(hash(key))
        return self._shelves[key]

    def came_before(self, shelf: Shelf, asked: bytes) -> bool:
        """Whether these octets have been asked here before; from now on they have."""
        mark = hash(asked) ^ shelf.salt
        if mark in self._seen:
            return True
        if len(self._seen) >= _SEEN:
            self._seen.clear()
        self._seen.add(mark)
        return False

    def keep(self, shelf: Shelf, asked: bytes, question: bytes, answer: PreparedAnswer) -> None:
        """Keep an answer to these octets.

        ``question`` is the qname in lower case with what follows it.
        """
        replaced = shelf.answers.get(asked)
        if replaced is not None:
            shelf.answers[asked] = answer
            self._bytes += _size(asked, answer) - _size(asked, replaced)
            self._keep_within()
            return
        if shelf.variants.get(question, 0) >= VARIANTS:
            return
        shelf.answers[asked] = answer
        shelf.variants[question] = shelf.variants.get(question, 0) + 1
        self._bytes += _size(asked, answer)
        self._order.append((shelf, asked, question))
        self._keep_within()

    def _keep_within(self) -> None:
        while self._bytes > self._max_bytes:
            self._forget_oldest()

    def clear(self) -> None:
        """Begin a new generation."""
        self._bytes = 0
        self._shelves = {}
        self._order.clear()
        self._seen.clear()

    def _forget_oldest(self) -> None:
        shelf, asked, question = self._order.popleft()
        self._bytes -= _size(asked, shelf.answers.pop(asked))
        left = shelf.variants[question] - 1
        if left:
            shelf.variants[question] = left
        else:
            del shelf.variants[question]


def _size(asked: bytes, answer: PreparedAnswer) -> int:
    """Octets of memory, nearly."""
    return _OVERHEAD + 2 * len(asked) + len(answer.tail) + _PER_TTL * answer.ttls
