"""A TCP connection with DNS messages on it, of a client or to an upstream (RFC 7766).

The loop's fast readers read it, and a message costs no iteration of asyncio and no transport. A
subclass gives the abstract methods, which the loop calls. A connection of DNS over TLS (RFC 7858)
has a ``TlsSession``, through which passes all that is received and written.

What must stay true:
- ``close`` calls ``lost``, once for each connection. An error of the socket closes the connection,
  also during ``write``.
- What the peer has not taken when the connection is closed is discarded, here and in the kernel:
  otherwise the kernel keeps it for minutes, for each connection that a hostile peer has made.
- TLS fails by closing the connection. A peer that does not take what TLS itself sends, as the
  answers to updates of its keys, is closed too: nothing else bounds what waits for it.
- A closed connection is freed by reference counting: the loop does not refer to it, and it is in no
  cycle. Workers collect only cycles of young objects.
"""

import contextlib
import fcntl
import socket
import struct
import termios
from abc import ABC, abstractmethod
from typing import Final

from resolver.transport.loop import Loop
from resolver.transport.tls_session import TlsError, TlsSession

_MOST: Final = 16384
"""Octets that are received at once, so that one connection cannot keep the loop for long."""
_DISCARD: Final = struct.pack("ii", 1, 0)
"""For SO_LINGER: discard what was not taken, and tell the peer by a reset."""


def framed(message: bytes) -> bytes:
    """A message with its length in front (RFC 1035 section 4.2.2)."""
    return len(message).to_bytes(2, "big") + message


class MessageStream(ABC):
    """A connection, what was received on it, and what the peer has not taken yet."""

    def __init__(self, loop: Loop) -> None:
        self.loop = loop
        self._socket: socket.socket | None = None
        self._session: TlsSession | None = None
        self._number = -1
        """The descriptor of the socket."""
        self._received = b""
        self._begin = 0
        """Where in ``_received`` the next message begins."""
        self._unsent = bytearray()
        self._is_reading = False
        self.has_ended = False
        """Whether the peer sends nothing more."""

    @property
    def is_open(self) -> bool:
        """Whether the connection is there: neither before ``open`` nor after ``close``."""
        return self._socket is not None

    @property
    def is_drained(self) -> bool:
        """Whether the peer has taken all that was sent."""
        return not self._unsent

    @property
    def unsent(self) -> int:
        """The octets for which the kernel has no room, since the peer does not take them."""
        return len(self._unsent)

    @property
    def is_acknowledged(self) -> bool:
        """Whether the kernel has nothing more to send, nor to send again."""
        if self._socket is None:
            return True
        return not any(fcntl.ioctl(self._number, termios.TIOCOUTQ, bytes(4)))

    @property
    def is_established(self) -> bool:
        """Whether a handshake of TLS has ended."""
        return self._session is not None and self._session.is_established

    def open(self, connected: socket.socket, session: TlsSession | None = None) -> None:
        """Use a connected socket, which does not block, and read from it.

        With a session the connection has TLS: what was written before the handshake ends is sent
        then.
        """
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = connected
        self._number = connected.fileno()
        self.read(True)
        if session is not None:
            self.start_tls(session)
            self._receive_tls(session, b"")

    def start_tls(self, session: TlsSession) -> None:
        """Pass all that is received and written from now on through TLS, as a server does."""
        self._session = session

    def read(self, wanted: bool) -> None:
        """Read from the peer, or leave what it sends to the kernel, which slows the peer down."""
        if wanted == self._is_reading or self.has_ended or self._socket is None:
            return
        self._is_reading = wanted
        if wanted:
            self.loop.add_fast_reader(self._number, self.readable)
        else:
            self.loop.remove_fast_reader(self._number)

    def peek(self, size: int) -> bytes:
        """The next octets, or as many as have been received."""
        return self._received[self._begin : self._begin + size]

    def skip(self, size: int) -> None:
        """Pass over octets that have been received."""
        self._begin += size

    def next_message(self) -> bytes | None:
        """Take the next whole message; None if there is none."""
        received, begin = self._received, self._begin
        if len(received) - begin < 2:
            return None
        end = begin + 2 + (received[begin] << 8 | received[begin + 1])
        if len(received) < end:
            return None
        self._begin = end
        return received[begin + 2 : end]

    def write(self, octets: bytes) -> None:
        """Send octets, now or when the peer takes them."""
        if self._session is not None:
            octets = self._sealed(octets)
        self._send(octets)

    def _sealed(self, octets: bytes) -> bytes:
        """What to send for octets over TLS; nothing if TLS fails, which closes the connection."""
        assert self._session is not None, "only a connection with TLS seals"
        if self.is_open:
            try:
                return self._session.seal(octets)
            except TlsError:
                self.close()
        return b""

    def _send(self, octets: bytes) -> None:
        connected = self._socket
        if connected is None or not octets:
            return
        if self._unsent:
            self._unsent += octets
            return
        try:
            sent = connected.send(octets)
        except (BlockingIOError, InterruptedError):
            sent = 0
        except OSError:
            self.close()
            return
        if sent < len(octets):
            self._unsent += octets[sent:]
            self.loop.add_writer(self._number, self._write_rest)

    def end(self) -> None:
        """Tell the peer that nothing more is sent, after all that was."""
        if self._session is not None and self.is_drained:
            self._send(self._session.end())
        if self._socket is None:
            return
        try:
            self._socket.shutdown(socket.SHUT_WR)
        except OSError:
            self.close()

    def close(self) -> None:
        """Close the connection at once, and discard what the peer has not taken."""
        is_acknowledged = self.is_acknowledged
        connected, self._socket = self._socket, None
        if connected is None:
            return
        session, self._session = self._session, None
        if self._unsent:
            self.loop.remove_writer(self._number)
        elif session is not None:
            _send_last(connected, session.end())
        if self._unsent or not is_acknowledged:
            connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _DISCARD)
        self._unsent.clear()
        self._received = b""  # the replies that wait may keep the connection for some time
        connected.close()
        self.loop.remove_closed(self._number)
        self.lost()

    @abstractmethod
    def received(self) -> None:
        """Handle what was received."""

    @abstractmethod
    def ended(self) -> None:
        """Handle that the peer sends nothing more."""

    @abstractmethod
    def drained(self) -> None:
        """Handle that the peer has taken some of what it had not, or all."""

    @abstractmethod
    def lost(self) -> None:
        """Handle that the connection is closed."""

    def readable(self) -> None:
        """Receive what the kernel has, once."""
        assert self._socket is not None, "a closed connection has no reader"
        try:
            octets = self._socket.recv(_MOST)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            self.close()
            return
        if not octets:
            self._end_reading()
        elif self._session is None:
            self._pass_on(octets)
        else:
            self._receive_tls(self._session, octets)

    def _pass_on(self, octets: bytes) -> None:
        rest = self._received[self._begin :]
        self._received = rest + octets if rest else octets
        self._begin = 0
        self.received()

    def _receive_tls(self, session: TlsSession, octets: bytes) -> None:
        try:
            octets = session.receive(octets)
        except TlsError:
            self.close()  # with the alert that says why
            return
        outgoing = session.outgoing()
        if outgoing and len(self._unsent) > _MOST:
            self.close()
            return
        self._send(outgoing)
        if octets and self.is_open:
            self._pass_on(octets)
        if session.has_ended and self.is_open:
            self._end_reading()

    def _end_reading(self) -> None:
        self.read(False)
        self.has_ended = True
        self.ended()

    def _write_rest(self) -> None:
        assert self._socket is not None, "a closed connection has no writer"
        try:
            sent = self._socket.send(self._unsent)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            self.close()
            return
        del self._unsent[:sent]
        if not self._unsent:
            self.loop.remove_writer(self._number)
        self.drained()


def _send_last(connected: socket.socket, octets: bytes) -> None:
    """Send octets to a peer that may be gone."""
    if octets:
        with contextlib.suppress(OSError):
            connected.send(octets)
