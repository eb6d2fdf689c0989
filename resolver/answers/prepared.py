"""Prepared answers: whole replies, found by the exact octets of the query after its ID.

A reply that was made once for a view and a transport is kept, and sent again with nothing
but the new query's ID before it, until what it rests on ends. Its TTLs are written anew
when a second has passed. Most queries of a busy network end here.

What must stay true:
- With prepared answers switched off every reply is the same, but for the age of its TTLs.
- They belong to a generation: a reload, a flush or the end of an exemption drops them all.
- Octets are bounded, the oldest go first. An answer is prepared only of an entry that was
  told before, and of each at most ``VARIANTS``: spelling a name in ever new case, or asking
  with ever new EDNS sizes, crowds out nobody.
"""

from collections import deque

from resolver.answers.entry import Entry
from resolver.answers.tally import Counted
from resolver.answers.usual import Form
from resolver.dns.query import HEADER

VARIANTS = 32
"""Prepared answers that are made of one entry: for some views, and some ways to ask each."""
_AT_ONCE = 2000
"""Answers of a generation that has ended which are freed at a time; it takes about 1 ms."""
_OVERHEAD = 500
"""Octets that a prepared answer takes besides its packets. Fitted to the resident memory of
CPython 3.11."""
_ID = 2
_BODY = HEADER - _ID
"""Where an entry's body stands in a reply without its ID."""


class PreparedAnswer:
    """A reply after its ID; times are in monotonic seconds."""

    __slots__ = ("_places", "_written", "ages_at", "counted", "tail", "until")

    def __init__(self, packet: bytes, counted: Counted, kept: Entry, now: float) -> None:
        """A whole reply, and the entry that it tells."""
        self.tail = packet[_ID:]
        self.counted = counted
        self._places = kept.places
        self._written = kept.stored + int(now - kept.stored)
        """The moment for which its TTLs stand."""
        self.ages_at = self._written + 1
        self.until = kept.fresh_until

    def age(self, now: float) -> None:
        """Write the TTLs that are left now."""
        passed = int(now - self._written)
        tail = bytearray(self.tail)
        for place in self._places:
            at = place + _BODY
            left = int.from_bytes(tail[at : at + 4], "big") - passed
            tail[at : at + 4] = left.to_bytes(4, "big") if left > 0 else b"\x00\x00\x00\x00"
        self.tail = bytes(tail)
        self._written += passed
        self.ages_at = self._written + 1


class Shelf:
    """What is remembered for one view and transport."""

    __slots__ = ("answers", "forms")

    def __init__(self) -> None:
        self.answers: dict[bytes, PreparedAnswer] = {}
        """By the octets of a query after its ID."""
        self.forms: dict[bytes, Form] = {}
        """By the octets of a query before its name, without the ID, and after it."""


class Prepared:
    """All shelves, and the bound over them."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._base = 0
        """Where a generation begins to count an entry's variants: entries outlive it."""
        self._shelves: dict[tuple[object, bool], Shelf] = {}
        self._order: deque[tuple[Shelf, bytes]] = deque()
        self._gone: deque[tuple[Shelf, bytes]] = deque()
        """Of the generation before, what is not freed yet."""

    def shelf(self, view: object, stream: bool) -> Shelf:
        """The shelf of a view and a transport."""
        key = (view, stream)
        if key not in self._shelves:
            self._shelves[key] = Shelf()
        return self._shelves[key]

    def prepare(
        self, shelf: Shelf, asked: bytes, reply: bytes, counted: Counted, kept: Entry, now: float
    ) -> None:
        """Keep a reply that tells an entry to who asked these octets, if it has room left."""
        variants = max(kept.prepared, self._base)
        if variants >= self._base + VARIANTS:
            return
        kept.prepared = variants + 1
        answer = PreparedAnswer(reply, counted, kept, now)
        replaced = shelf.answers.get(asked)
        if replaced is None:
            self._order.append((shelf, asked))
        else:
            self._bytes -= _size(asked, replaced)
        shelf.answers[asked] = answer
        self._bytes += _size(asked, answer)
        while self._bytes > self._max_bytes:
            self._forget_oldest()

    def clear(self) -> None:
        """Begin a new generation; the old one's answers are no longer found, but still there."""
        self._bytes = 0
        self._base += VARIANTS
        self._shelves = {}
        self._gone = self._order  # what was gone before goes now
        self._order = deque()

    def let_go(self) -> None:
        """Free some of what is gone; all of it at once would keep packets waiting."""
        for _ in range(min(_AT_ONCE, len(self._gone))):
            shelf, asked = self._gone.popleft()
            shelf.answers.pop(asked, None)

    def _forget_oldest(self) -> None:
        shelf, asked = self._order.popleft()
        self._bytes -= _size(asked, shelf.answers.pop(asked))


def _size(asked: bytes, answer: PreparedAnswer) -> int:
    """Octets of memory, nearly."""
    return _OVERHEAD + len(asked) + len(answer.tail)
