"""Prepared answers: whole replies, found by the exact octets of the query after its ID.

A reply that was made once for a view and a transport is kept, and sent again with nothing
but the new query's ID before it, until what it rests on ends. Its TTLs are written anew
when a second has passed. Most queries of a busy network end here.

What must stay true:
- With prepared answers switched off every reply is the same, but for the age of its TTLs.
- They belong to a generation: a reload, a flush or the end of an exemption drops them all.
- Octets are bounded. The oldest go first; those that were told since their turn came last
  get another, so that what is popular stays. Of an entry there are at most ``VARIANTS``:
  spelling a name in ever new case, or asking with ever new EDNS sizes, crowds out nobody.
- To prepare an answer, and to make room for it, costs more than to put it together anew. So
  it is done at every fourth telling of an entry (``TELLINGS``): soon for what is popular, and
  hardly ever for the many names that are asked for now and then.
"""

from collections import deque

from resolver.dns.query import HEADER
from resolver.engine.entry import Entry
from resolver.engine.labels import Counted
from resolver.engine.usual import Form

VARIANTS = 32
"""Prepared answers that there are of one entry: for some views, and some ways to ask each."""
TELLINGS = 4
"""An entry's answer is prepared when it was told so many times without one."""
_CHANCES = 16
"""Answers that may be given another turn before one goes all the same: room is made soon."""
_AT_ONCE = 2000
"""Answers of a generation that has ended which are freed at a time; it takes about 1 ms."""
_OVERHEAD = 500
"""Octets that a prepared answer takes besides its packets. Fitted to the resident memory of
CPython 3.11. Its entry is not among them, which is the cache's: of those that the cache has
forgotten since, prepared answers may hold a tenth more than the bound of the cache."""
_ID = 2
_BODY = HEADER - _ID
"""Where an entry's body stands in a reply without its ID."""


class PreparedAnswer:
    """A reply after its ID; times are in monotonic seconds."""

    __slots__ = ("_until", "_written", "counted", "due", "kept", "tail", "used")

    def __init__(self, packet: bytes, counted: Counted, kept: Entry, now: float) -> None:
        """A whole reply, and the entry that it tells."""
        self.used = False
        """Whether it was told since its turn came last; who tells it says so."""
        self.become(packet, counted, kept, now)

    def become(self, packet: bytes, counted: Counted, kept: Entry, now: float) -> None:
        """Be another reply to the same question."""
        self.tail = packet[_ID:]
        self.counted = counted
        self.kept = kept
        self._written = kept.stored + int(now - kept.stored)
        """The moment for which its TTLs stand."""
        self._until = kept.fresh_until
        self.due = min(self._written + 1, self._until)
        """The moment until which it can be told as it is; after that ``renew`` has a say."""

    def renew(self, now: float) -> bool:
        """Write the TTLs that are left now; False where it must not be told any more."""
        if now >= self._until:
            return False
        passed = int(now - self._written)
        tail = bytearray(self.tail)
        for place in self.kept.places:
            at = place + _BODY
            left = int.from_bytes(tail[at : at + 4], "big") - passed
            tail[at : at + 4] = left.to_bytes(4, "big") if left > 0 else b"\x00\x00\x00\x00"
        self.tail = bytes(tail)
        self._written += passed
        self.due = min(self._written + 1, self._until)
        return True


class Shelf:
    """What is remembered for one view and transport."""

    __slots__ = ("answers", "forms")

    def __init__(self) -> None:
        self.answers: dict[bytes, PreparedAnswer] = {}
        """By the octets of a query after its ID."""
        self.forms: dict[bytes, Form] = {}
        """By the octets of a query before its name, without the ID, and after it."""


_Place = tuple[Shelf, bytes, PreparedAnswer]
"""Where a prepared answer is found, and the answer."""


class Prepared:
    """All shelves, and the bound over them."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._base = 0
        """Where a generation begins to count an entry's variants: entries outlive it."""
        self._shelves: dict[tuple[object, bool], Shelf] = {}
        self._order: deque[_Place] = deque()
        self._gone: deque[_Place] = deque()
        """Of the generation before, what is not freed yet."""

    def __len__(self) -> int:
        return len(self._order)

    def shelf(self, view: object, stream: bool) -> Shelf:
        """The shelf of a view and a transport."""
        key = (view, stream)
        if key not in self._shelves:
            self._shelves[key] = Shelf()
        return self._shelves[key]

    def prepare(
        self, shelf: Shelf, asked: bytes, reply: bytes, counted: Counted, kept: Entry, now: float
    ) -> None:
        """Keep a reply that tells an entry to who asked these octets, if the time has come."""
        kept.told += 1
        if kept.told % TELLINGS:
            return
        variants = max(kept.prepared, self._base)
        if variants >= self._base + VARIANTS:
            return
        kept.prepared = variants + 1
        answer = shelf.answers.get(asked)
        if answer is None:
            answer = shelf.answers[asked] = PreparedAnswer(reply, counted, kept, now)
            self._order.append((shelf, asked, answer))
        else:  # it has ended, and keeps its place
            self._forgotten(asked, answer)
            answer.become(reply, counted, kept, now)
        self._bytes += _size(asked, answer)
        if self._bytes > self._max_bytes:
            self._make_room()

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
            shelf, asked, _ = self._gone.popleft()
            shelf.answers.pop(asked, None)

    def _make_room(self) -> None:
        order, chances = self._order, _CHANCES
        while self._bytes > self._max_bytes:
            oldest = order.popleft()
            shelf, asked, answer = oldest
            if answer.used and chances:
                chances -= 1
                answer.used = False
                order.append(oldest)
            else:
                del shelf.answers[asked]
                self._forgotten(asked, answer)

    def _forgotten(self, asked: bytes, answer: PreparedAnswer) -> None:
        self._bytes -= _size(asked, answer)
        answer.kept.prepared -= 1


def _size(asked: bytes, answer: PreparedAnswer) -> int:
    """Octets of memory, nearly."""
    return _OVERHEAD + len(asked) + len(answer.tail)
