"""The limits of an HTTP listener on its connections, against slow and hostile clients.

How it works: a connection has one request. Until its header is whole, it takes one of the places
for requests; then it takes one of the places for responses, and is closed after its response.
Where all places are taken, the connection that has had one of them longest is closed.

What must stay true:
- Clients never use up the memory or the file descriptors of a listener's process.
- A new connection is always served. Connections with half a request, however many and however
  often they are made again, take no place from a connection that is being answered; connections
  that do not read their response take none from new ones.
"""

from collections.abc import Callable
from typing import Final, Generic, TypeVar

PLACES: Final = 64
"""Connections of a listener whose request is not whole, at most; and as many with a response."""
HEADER_TIMEOUT: Final = 10.0
"""Seconds from a connection to the end of its request's header."""
READ_TIMEOUT: Final = 10.0
"""Seconds that a client may take to read its response."""
MAX_HEADER: Final = 32768
"""In octets."""
HEADER_END: Final = b"\r\n\r\n"

Connection = TypeVar("Connection")


class ConnectionPlaces(Generic[Connection]):
    """The places of a listener for its connections."""

    def __init__(self, close: Callable[[Connection], object]) -> None:
        """``close`` gets a connection that has lost its place."""
        self._close = close
        self._asking: dict[Connection, None] = {}  # the longest there first
        self._answered: dict[Connection, None] = {}

    def enter(self, connection: Connection) -> None:
        """Give a new connection a place for its request."""
        self._take(self._asking, connection)

    def has_asked(self, connection: Connection) -> None:
        """Give a connection whose header is whole a place for its response."""
        del self._asking[connection]
        self._take(self._answered, connection)

    def leave(self, connection: Connection) -> None:
        """Free the place of a connection that is closed, if it has one."""
        self._asking.pop(connection, None)
        self._answered.pop(connection, None)

    def _take(self, places: dict[Connection, None], connection: Connection) -> None:
        if len(places) >= PLACES:
            longest = next(iter(places))
            del places[longest]
            self._close(longest)
        places[connection] = None
