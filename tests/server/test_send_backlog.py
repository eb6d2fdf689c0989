"""What clients do not take is bounded: who leaves most is closed."""

import pytest

from resolver.server.send_backlog import MOST, SendBacklog
from resolver.transport.loop import Loop
from resolver.transport.stream import MessageStream

pytestmark = pytest.mark.interpreted  # a compiled class takes no subclass


class Closable(MessageStream):
    """A connection that notes whether it is closed."""

    def __init__(self, loop: Loop, backlog: SendBacklog) -> None:
        super().__init__(loop)
        self._backlog = backlog
        self.closed = False

    def close(self) -> None:
        self.closed = True
        self.lost()

    def received(self) -> None: ...

    def ended(self) -> None: ...

    def drained(self) -> None: ...

    def lost(self) -> None:
        self._backlog.note(self, 0)


def test_who_leaves_most_is_closed_and_only_where_all_leave_too_much() -> None:
    loop, backlog = Loop(), SendBacklog()
    modest, greedy, last = (Closable(loop, backlog) for _ in range(3))
    backlog.note(modest, MOST // 4)
    backlog.note(greedy, MOST // 2)
    backlog.note(last, MOST // 4)
    assert not greedy.closed
    backlog.note(last, MOST // 4 + 1)
    assert [closable.closed for closable in (modest, greedy, last)] == [False, True, False]
    backlog.note(modest, MOST // 2)
    assert not modest.closed
    loop.close()


def test_what_is_taken_makes_room_again() -> None:
    loop, backlog = Loop(), SendBacklog()
    connections = [Closable(loop, backlog) for _ in range(100)]
    for connection in connections:
        for left in (MOST, MOST // 2, 0):
            backlog.note(connection, left)
    assert not any(connection.closed for connection in connections)
    loop.close()
