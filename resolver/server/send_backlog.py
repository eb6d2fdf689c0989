"""The replies that wait in this process, since their clients do not take them.

A query costs a client some octets, and its reply may have 64 KiB. So the replies of all connections
of a listening socket have one bound together: few clients do not take theirs at once, and none of
them should lose a large reply to a bound of its own.
"""

from typing import Final

from resolver.transport.stream import MessageStream

MOST: Final = 32 << 20
"""Octets at most; where there are more, the connection that has most of them is closed."""


class SendBacklog:
    """Counts the octets that wait on the connections of a listening socket."""

    __slots__ = ("_octets", "_total")

    def __init__(self) -> None:
        self._octets: dict[MessageStream, int] = {}
        self._total = 0

    def note(self, connection: MessageStream, octets: int) -> None:
        """Note how many octets wait on a connection now: 0 where it is closed, too."""
        self._total += octets - self._octets.pop(connection, 0)
        if octets:
            self._octets[connection] = octets
        if self._total > MOST:
            most = max(self._octets.values())
            next(stream for stream, waiting in self._octets.items() if waiting == most).close()
