"""What clients do not take is bounded: who leaves most is closed."""

import pytest

from resolver.server.untaken import MOST, Untaken
from resolver.transport.loop import Loop
from resolver.transport.stream import MessageStream

pytestmark = pytest.mark.interpreted  # a compiled class takes no subclass


class Closable(MessageStream):
    """A connection that notes whether it is closed."""

    def __init__(self, loop: Loop, untaken: Untaken) -> None:
        super().__init__(loop)
        self._untaken = untaken
        self.closed = False

    def close(self) -> None:
        self.closed = True
        self.lost()

    def received(self) -> None: ...

    def ended(self) -> None: ...

    def drained(self) -> None: ...

    def lost(self) -> None:
        self._untaken.note(self, 0)


def test_who_leaves_most_is_closed_and_only_where_all_leave_too_much() -> None:
    loop, untaken = Loop(), Untaken()
    modest, greedy, last = (Closable(loop, untaken) for _ in range(3))
    untaken.note(modest, MOST // 4)
    untaken.note(greedy, MOST // 2)
    untaken.note(last, MOST // 4)
    assert not greedy.closed
    untaken.note(last, MOST // 4 + 1)
    assert [each.closed for each in (modest, greedy, last)] == [False, True, False]
    untaken.note(modest, MOST // 2)
    assert not modest.closed
    loop.close()


def test_what_is_taken_makes_room_again() -> None:
    loop, untaken = Loop(), Untaken()
    connections = [Closable(loop, untaken) for _ in range(100)]
    for each in connections:
        for left in (MOST, MOST // 2, 0):
            untaken.note(each, left)
    assert not any(each.closed for each in connections)
    loop.close()
