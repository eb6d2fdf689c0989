"""Limits on the HTTP connections of a listener, against slow and hostile clients.

How it works: each connection's protocol wraps that of aiohttp. aiohttp itself closes an idle
connection, and refuses headers that are too long. It limits neither the number of connections,
nor the time that a client takes to send a request's header or to read a response.

What must stay true:
- HTTP clients never use up the file descriptors of this process, which starts the workers.
- A new connection is always served. At the limit, the oldest connection is closed, so that
  clients that hold connections open keep nobody out. A scraper whose idle connection is closed
  connects again.
"""

import asyncio
from collections.abc import Callable

MAX_CONNECTIONS = 64
"""Connections that a listener has open at a time."""
READ_TIMEOUT = 10.0
"""Seconds that a client may take to read a response."""
HEADER_TIMEOUT = 10.0
"""Seconds from a connection, or from the first octet of a later request, to the header's end."""
_HEADER_END = b"\r\n\r\n"


def limited(factory: Callable[[], asyncio.Protocol]) -> Callable[[], asyncio.Protocol]:
    """A protocol factory that limits the connections it makes protocols for.

    ``factory`` makes the protocol that speaks HTTP on one connection.
    """
    open_: dict[_LimitedConnection, asyncio.Transport] = {}  # the oldest first
    return lambda: _LimitedConnection(factory(), open_)


class _LimitedConnection(asyncio.Protocol):
    """One connection; passes every event on to the inner protocol."""

    def __init__(
        self, inner: asyncio.Protocol, open_: dict["_LimitedConnection", asyncio.Transport]
    ) -> None:
        self._inner = inner
        self._open = open_
        self._timeout: asyncio.TimerHandle | None = None
        self._header_timeout: asyncio.TimerHandle | None = None
        self._tail = b""
        """The last octets received, of which the end of a header may be a part."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        if len(self._open) >= MAX_CONNECTIONS:
            oldest = next(iter(self._open))
            self._open.pop(oldest).abort()
        self._open[self] = transport
        self._await_header()
        self._inner.connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._open.pop(self, None)
        _cancel(self._timeout)
        _cancel(self._header_timeout)
        self._inner.connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        _, ended, rest = (self._tail + data).rpartition(_HEADER_END)
        self._tail = rest[1 - len(_HEADER_END) :]
        if ended:
            _cancel(self._header_timeout)
            self._header_timeout = None
        if rest and self._header_timeout is None:
            self._await_header()
        self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        return self._inner.eof_received()

    def pause_writing(self) -> None:
        """Start the timeout: the client does not read its response."""
        self._timeout = self._abort_after(READ_TIMEOUT)
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        _cancel(self._timeout)
        self._inner.resume_writing()

    def _await_header(self) -> None:
        self._header_timeout = self._abort_after(HEADER_TIMEOUT)

    def _abort_after(self, seconds: float) -> asyncio.TimerHandle | None:
        transport = self._open.get(self)
        if transport is None:
            return None
        return asyncio.get_running_loop().call_later(seconds, transport.abort)


def _cancel(timeout: asyncio.TimerHandle | None) -> None:
    if timeout is not None:
        timeout.cancel()
