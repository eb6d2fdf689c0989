"""The sockets that ask: over UDP, and over TCP, where a connection carries many questions."""

import contextlib
import selectors
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from tests.programs.attacks import wire
from tests.programs.chaos.tally import Tally
from tests.programs.chaos.truth import Question

_AT_ONCE = 64


class Client(Protocol):
    """One socket of a client."""

    address: str
    transport: str
    waiting_since: float | None
    """When it asked the first question since its last reply; None where it waits for none."""
    single: bool
    """Whether it ends with its first question."""

    def ask(self, pending: "Pending") -> None:
        """Send a question."""

    def ready(self, events: int) -> None:
        """Read what has come, and send what waits."""

    def close(self) -> None:
        """End it."""


@dataclass(slots=True)
class Pending:
    """A question that is on its way."""

    question: Question
    sent: float
    tally: Tally
    client: Client
    done: bool = False


Take = Callable[[Pending, bytes], None]
"""Called with each reply to a question."""
Lose = Callable[[Pending], None]
"""Called with each question that will have no reply."""


def _packet(question: Question, ident: int) -> bytes:
    edns = wire.opt() if question.edns else b""
    return wire.question(question.name, question.qtype, ident=ident, edns=edns)


def connected(address: str, port: int, kind: int) -> socket.socket:
    """A socket of a client, connected to the server."""
    family, server = (socket.AF_INET6, "::1") if ":" in address else (socket.AF_INET, "127.0.0.1")
    opened = socket.socket(family, kind | socket.SOCK_NONBLOCK)
    opened.bind((address, 0))
    opened.connect_ex((server, port))
    return opened


class _Base:
    """What both transports have: whose socket it is, and what was asked on it."""

    def __init__(
        self,
        address: str,
        port: int,
        selector: selectors.BaseSelector,
        take: Take,
        lose: Lose,
        *,
        single: bool = False,
    ) -> None:
        self.address = address
        self.single = single
        self.waiting_since: float | None = None
        self._port = port
        self._selector = selector
        self._take = take
        self._lose = lose
        self._ident = 0
        self._asked: dict[int, Pending] = {}

    def _number(self, pending: Pending) -> bytes:
        """Note a question; the packet that asks it."""
        self._ident = (self._ident + 1) & 0xFFFF
        self._asked[self._ident] = pending
        if not self.single:
            self.waiting_since = self.waiting_since or pending.sent
        return _packet(pending.question, self._ident)

    def _hear(self, reply: bytes) -> None:
        pending = self._asked.pop(wire.ident_of(reply), None) if len(reply) > 1 else None
        if pending is not None:
            self._take(pending, reply)


class UdpClient(_Base):
    """A UDP socket, and so one worker."""

    transport = "UDP"
    _socket: socket.socket | None = None

    def ask(self, pending: Pending) -> None:
        packet = self._number(pending)
        if self._socket is None:
            self._socket = connected(self.address, self._port, socket.SOCK_DGRAM)
            self._selector.register(self._socket, selectors.EVENT_READ, self)
        with contextlib.suppress(OSError):  # nobody listens: it is lost when its time is over
            self._socket.send(packet)

    def ready(self, events: int) -> None:  # noqa: ARG002 - it only ever reads
        for _ in range(_AT_ONCE):
            try:
                assert self._socket is not None
                reply = self._socket.recv(65535)
            except OSError:
                return
            self._hear(reply)
            if self.single and not self._asked:
                self.close()

    def close(self) -> None:
        if self._socket is not None and self._socket.fileno() >= 0:
            self._selector.unregister(self._socket)
            self._socket.close()


class TcpClient(_Base):
    """A TCP connection, opened by its first question, and again by the next after its end."""

    transport = "TCP"
    _unsent = _buffer = b""
    _socket: socket.socket | None = None

    def ask(self, pending: Pending) -> None:
        if self._socket is None:
            self._socket = connected(self.address, self._port, socket.SOCK_STREAM)
            self._selector.register(self._socket, selectors.EVENT_READ, self)
        packet = self._number(pending)
        self._unsent += struct.pack("!H", len(packet)) + packet
        self._selector.modify(self._open_socket, selectors.EVENT_READ | selectors.EVENT_WRITE, self)

    def ready(self, events: int) -> None:
        try:
            if events & selectors.EVENT_WRITE:
                self._unsent = self._unsent[self._open_socket.send(self._unsent) :]
                if not self._unsent:
                    self._selector.modify(self._open_socket, selectors.EVENT_READ, self)
            if not events & selectors.EVENT_READ:
                return
            data = self._open_socket.recv(65535)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.close()
            return
        self._buffer += data
        self._read()

    def _read(self) -> None:
        while len(self._buffer) >= 2 and len(self._buffer) >= (
            end := 2 + int.from_bytes(self._buffer[:2], "big")
        ):
            reply, self._buffer = self._buffer[2:end], self._buffer[end:]
            self._hear(reply)
        if self.single and not self._asked:
            self.close()

    def close(self) -> None:
        """End the connection, and what was asked on it."""
        if self._socket is not None:
            self._selector.unregister(self._socket)
            self._socket.close()
            self._socket = None
        lost, self._asked = self._asked, {}
        self._unsent = self._buffer = b""
        for pending in lost.values():
            self._lose(pending)

    @property
    def _open_socket(self) -> socket.socket:
        assert self._socket is not None
        return self._socket
