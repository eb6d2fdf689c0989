"""A small HTTP server: each connection has one request, gets one response, and is closed.

It serves the block page in a process that must stay small, so it uses neither asyncio nor aiohttp,
which take more memory than all the rest. It reads the header of a request and ignores its body.

What must stay true:
- Clients never use up memory or file descriptors, nor keep others out (``connection_limit``).
  The requests a second from an address are limited, too: each makes a page.
- The whole response arrives: what the client still sends is read before the connection is closed,
  or the kernel would reset it.
"""

import http
import re
import selectors
import socket
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from resolver.engine.limits import Buckets, Clock
from resolver.policy.settings import Endpoint
from resolver.system.interfaces import peer_text
from resolver.web.connection_limit import (
    HEADER_END,
    HEADER_TIMEOUT,
    MAX_HEADER,
    READ_TIMEOUT,
    ConnectionPlaces,
)
from resolver.web.pages import HEADERS

RATE = 10.0
"""Requests a second from an address; as many again in a burst."""
_LINGER = 2.0
"""Seconds to wait for the client to close the connection after the response."""
_MAX_ADDRESSES = 4096
"""When requests of this many addresses are counted, the next one clears all."""
_BLOCK = 65536
_REQUEST = re.compile(rb"[!-~]+ ([!-~]+) HTTP/1\.[01]")
_FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*")


@dataclass(frozen=True, slots=True)
class Request:
    """What a client asks for."""

    target: str
    """The path with its query, or a whole URL."""
    is_head: bool
    """Whether only the headers are asked for."""
    headers: Mapping[str, str]
    """By names in lower case; of a repeated header the first."""
    client: str
    server: str
    """The address and port of this server, as a URL has them."""


def response(status: int, headers: Mapping[str, str], body: str, *, is_head: bool = False) -> bytes:
    """A whole response."""
    content = body.encode()
    sent = {
        **headers,
        "Connection": "close",
        "Content-Length": str(len(content)),
        "Date": time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime()),
    }
    lines = [f"HTTP/1.1 {status} {http.HTTPStatus(status).phrase}"]
    lines += [f"{name}: {value}" for name, value in sent.items()]
    return "\r\n".join([*lines, "", ""]).encode() + (b"" if is_head else content)


def parse(header: bytes, client: str, server: str) -> Request | None:
    """Read a header up to its empty line; None if it is malformed."""
    first, *lines = header.split(b"\r\n")
    request = _REQUEST.fullmatch(first)
    if request is None:
        return None
    headers: dict[str, str] = {}
    for line in lines:
        field = _FIELD.fullmatch(line)
        if field is None:
            return None
        headers.setdefault(field[1].decode().lower(), field[2].decode("latin-1"))
    target = request[1].decode()
    return Request(target, first.startswith(b"HEAD "), headers, client, server)


class _Connection:
    """An open connection: its steps, and until when it waits for which event of its socket."""

    __slots__ = ("ends", "socket", "steps")

    steps: "_Steps"

    def __init__(self, accepted: socket.socket) -> None:
        self.socket = accepted
        self.ends = 0.0


_Steps = Generator[tuple[int, float], None, None]
"""The steps of a connection: each yields the event that it waits for, and until when."""


class PageServer:
    """Serves requests on listening sockets, until ``stop``."""

    def __init__(
        self, listening: Sequence[socket.socket], respond: Callable[[Request], bytes]
    ) -> None:
        self._respond = respond
        self._selector = selectors.DefaultSelector()
        self._open: set[_Connection] = set()
        self._places = ConnectionPlaces(self._close)
        self._clock = Clock()
        self._buckets = Buckets(RATE, self._clock, _MAX_ADDRESSES)
        self._stopping = False
        for listener in listening:
            listener.setblocking(False)
            self.attend(listener, partial(self._accept, listener))

    def attend(self, source: socket.socket, ready: Callable[[], object]) -> None:
        """Call ``ready`` whenever a socket can be read."""
        self._selector.register(source, selectors.EVENT_READ, ready)

    def stop(self) -> None:
        """End ``run``."""
        self._stopping = True

    def run(self) -> None:
        """Serve; at the end, close the connections that are open."""
        while not self._stopping:
            ends = min((connection.ends for connection in self._open), default=None)
            ready = self._selector.select(None if ends is None else ends - time.monotonic())
            self._clock.now = time.monotonic()
            for key, _ in ready:
                key.data()
            for connection in [
                candidate for candidate in self._open if candidate.ends <= self._clock.now
            ]:
                self._close(connection)
        for connection in [*self._open]:
            self._close(connection)

    def _accept(self, listening: socket.socket) -> None:
        try:
            accepted, address = listening.accept()
        except OSError:  # the client is gone again, or no descriptor is free
            return
        accepted.setblocking(False)
        connection = _Connection(accepted)
        connection.steps = self._steps(connection, peer_text(address))
        self._places.enter(connection)
        self._open.add(connection)
        self.attend(accepted, partial(self._advance, connection))
        self._advance(connection)

    def _advance(self, connection: _Connection) -> None:
        """Take a connection as far as it goes now."""
        if connection not in self._open:  # closed in this iteration, for a new one
            return
        try:
            event, connection.ends = next(connection.steps)
        except (StopIteration, OSError):
            self._close(connection)
        else:
            self._selector.modify(connection.socket, event, partial(self._advance, connection))

    def _close(self, connection: _Connection) -> None:
        self._open.remove(connection)
        self._places.leave(connection)
        self._selector.unregister(connection.socket)
        connection.socket.close()

    def _steps(self, connection: _Connection, client: str) -> _Steps:
        accepted, received = connection.socket, b""
        ends = self._clock.now + HEADER_TIMEOUT
        while HEADER_END not in received and len(received) <= MAX_HEADER:
            yield selectors.EVENT_READ, ends
            block = accepted.recv(_BLOCK)
            if not block:
                return
            received += block
        self._places.has_asked(connection)
        reply = memoryview(self._answer(received.partition(HEADER_END)[0], client, accepted))
        ends = self._clock.now + READ_TIMEOUT
        while reply:
            yield selectors.EVENT_WRITE, ends
            reply = reply[accepted.send(reply) :]
        accepted.shutdown(socket.SHUT_WR)
        ends = self._clock.now + _LINGER
        while True:
            yield selectors.EVENT_READ, ends
            if not accepted.recv(_BLOCK):
                return

    def _answer(self, header: bytes, client: str, accepted: socket.socket) -> bytes:
        if not self._buckets.of(client).take():
            return _error(429)
        server = str(Endpoint(*accepted.getsockname()[:2]))
        request = parse(header, client, server) if len(header) <= MAX_HEADER else None
        return _error(400) if request is None else self._respond(request)


def _error(status: int) -> bytes:
    phrase = http.HTTPStatus(status).phrase
    headers = {**HEADERS, "Content-Type": "text/plain; charset=utf-8"}
    return response(status, headers, f"{phrase}\n")
