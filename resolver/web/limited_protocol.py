"""The limits of ``connection_limit`` for a listener of aiohttp.

How it works: each connection's protocol wraps that of aiohttp, which gets the header of a request
once it is whole. aiohttp itself limits neither the number of connections, nor the size of a whole
header, nor the time that a client takes to send it or to read a response.
"""

import asyncio
from collections.abc import Callable

from resolver.web.connection_limit import (
    HEADER_END,
    HEADER_TIMEOUT,
    MAX_HEADER,
    READ_TIMEOUT,
    ConnectionPlaces,
)


def limited(factory: Callable[[], asyncio.Protocol]) -> Callable[[], asyncio.Protocol]:
    """A protocol factory that limits the connections it makes protocols for.

    ``factory`` makes the protocol that speaks HTTP on one connection.
    """
    places = ConnectionPlaces(_LimitedConnection.abort)
    return lambda: _LimitedConnection(factory(), places)


class _LimitedConnection(asyncio.Protocol):
    """One connection; passes every event on to the inner protocol."""

    def __init__(
        self, inner: asyncio.Protocol, places: "ConnectionPlaces[_LimitedConnection]"
    ) -> None:
        self._inner = inner
        self._places = places
        self._transport: asyncio.Transport | None = None
        self._timeout: asyncio.TimerHandle | None = None
        self._header: bytes | None = b""
        """What has come of the header; None once the inner protocol has it."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._places.enter(self)
        self._abort_after(HEADER_TIMEOUT)
        self._inner.connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._places.leave(self)
        self._cancel_timeout()
        self._inner.connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._header is not None:
            data = self._header + data
            if HEADER_END not in data:
                self._header = data
                if len(data) > MAX_HEADER:
                    self.abort()
                return
            self._header = None
            self._cancel_timeout()
            self._places.has_asked(self)
        self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        return self._inner.eof_received()

    def pause_writing(self) -> None:
        """Start the timeout: the client does not read its response."""
        self._abort_after(READ_TIMEOUT)
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        self._cancel_timeout()
        self._inner.resume_writing()

    def abort(self) -> None:
        """Close the connection at once."""
        if self._transport is not None:
            self._transport.abort()

    def _abort_after(self, seconds: float) -> None:
        self._timeout = asyncio.get_running_loop().call_later(seconds, self.abort)

    def _cancel_timeout(self) -> None:
        if self._timeout is not None:
            self._timeout.cancel()
            self._timeout = None
