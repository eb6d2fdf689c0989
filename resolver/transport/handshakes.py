"""The handshakes of TLS in a worker: one in an iteration of the loop, by turns of the clients.

A handshake takes as much of the processor as some forty queries. The loop reads its sockets between
any two of them: so while more handshakes are wanted than there is time for, the queries over UDP,
TCP and TLS are answered as they come, and the handshakes have what is left.

What must stay true:
- No handshake goes on but in its turn. The prefixes of the clients take turns, so that a flood
  from some of them does not keep the others waiting.
- A connection costs nothing of TLS before it has sent something.
"""

import ssl
from typing import Final, Protocol

from resolver.transport.loop import Loop
from resolver.transport.tls_certificate import server_context
from resolver.transport.tls_session import TlsSession


class Handshaking(Protocol):
    """A connection whose handshake has not ended."""

    prefix: bytes
    """That of its client."""

    def take_turn(self) -> None:
        """Go on with the handshake."""


class Handshakes:
    """The certificate in use, and the connections whose handshake waits for its turn."""

    def __init__(self, loop: Loop) -> None:
        self._loop: Final = loop
        self._context: ssl.SSLContext | None = None
        self._waiting: dict[bytes, dict[Handshaking, None]] = {}
        """By prefix; whose turn is next is first."""
        self._is_scheduled = False

    def use(self, pem: str) -> None:
        """Present this certificate, which the supervisor has checked, in each new handshake."""
        self._context = server_context(pem)

    def session(self) -> TlsSession | None:
        """The session of a new client; None while there is no certificate."""
        return None if self._context is None else TlsSession(self._context)

    def wait(self, connection: Handshaking) -> None:
        """Let a connection that has received something take its turn."""
        self._waiting.setdefault(connection.prefix, {})[connection] = None
        self._schedule()

    def forget(self, connection: Handshaking) -> None:
        """Let a connection that is closed wait no longer."""
        waiting = self._waiting.get(connection.prefix)
        if waiting is not None and waiting.pop(connection, connection) is None and not waiting:
            del self._waiting[connection.prefix]

    def _schedule(self) -> None:
        if self._waiting and not self._is_scheduled:
            self._is_scheduled = True
            self._loop.call_soon(self._turn)

    def _turn(self) -> None:
        """Let one connection of the next prefix go on."""
        self._is_scheduled = False
        if not self._waiting:
            return
        prefix = next(iter(self._waiting))
        waiting = self._waiting.pop(prefix)
        connection = next(iter(waiting))
        del waiting[connection]
        if waiting:
            self._waiting[prefix] = waiting
        self._schedule()
        connection.take_turn()
