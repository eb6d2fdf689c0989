"""Connections over HTTP, and the bounds that slow or hostile clients meet.

How it works: it stands between a listening socket and aiohttp. aiohttp itself ends a
connection on which no whole request arrives in time and refuses headers that are too long;
it bounds neither how many connections there are nor how long a client may take to read.

What must stay true:
- The descriptors of this process are never used up by visitors: workers are started here.
- Whoever connects now is served now. The oldest connections make room, so that those who
  only hold theirs open keep nobody out; a scraper that loses an idle one connects again.
"""

import asyncio
from collections.abc import Callable

MOST = 64
"""Connections at a time."""
READING = 10.0
"""Seconds that a client may take to read what it asked for."""


class Visitors:
    """Makes the protocol of each new connection, and keeps the connections few."""

    def __init__(self, serve: Callable[[], asyncio.Protocol]) -> None:
        """``serve`` makes what speaks HTTP on a connection."""
        self._serve = serve
        self._here: dict[_Visitor, asyncio.Transport] = {}  # in the order of their coming

    def __call__(self) -> asyncio.Protocol:
        """The protocol of a new connection."""
        return _Visitor(self._serve(), self._here)


class _Visitor(asyncio.Protocol):
    """One connection; all that happens on it is passed on."""

    def __init__(self, inner: asyncio.Protocol, here: dict["_Visitor", asyncio.Transport]) -> None:
        self._inner = inner
        self._here = here
        self._patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        if len(self._here) >= MOST:
            oldest = next(iter(self._here))
            self._here.pop(oldest).abort()
        self._here[self] = transport
        self._inner.connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._here.pop(self, None)
        self._stop_waiting()
        self._inner.connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        return self._inner.eof_received()

    def pause_writing(self) -> None:
        """What was asked for is not being read."""
        transport = self._here.get(self)
        if transport is not None:
            loop = asyncio.get_running_loop()
            self._patience = loop.call_later(READING, transport.abort)
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        self._stop_waiting()
        self._inner.resume_writing()

    def _stop_waiting(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
