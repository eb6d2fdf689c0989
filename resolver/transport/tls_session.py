"""The TLS of one connection, of a client or to an upstream: octets in, octets out, and no socket.

The caller gives the context of a session, which says which certificates are presented or accepted,
and which side of the connection it is. ``MessageStream`` passes through it what it receives and
writes.

What must stay true:
- No octet of the peer is given before the handshake has ended, and none is sent.
- A session holds no more than one record of the peer, or ``_LONGEST`` octets of its handshake, and
  what was sealed before the handshake ended.
- Whatever the peer sends, ``receive`` raises nothing but ``TlsError``.
"""

import contextlib
import ssl
from typing import Any, Final

_MOST: Final = 16384
"""Octets that are decrypted at once: a record at its largest (RFC 8446 section 5.1)."""

_LONGEST: Final = 32768
"""Octets of a peer in a handshake; a usual one has 2 to 6 KiB. OpenSSL would keep 128 KiB."""


class TlsError(Exception):
    """The handshake failed, or the peer broke the protocol; what is ``outgoing`` may say why."""


class TlsSession:
    """One side of a TLS connection."""

    __slots__ = (
        "_early",
        "_incoming",
        "_left",
        "_object",
        "_outgoing",
        "error",
        "has_ended",
        "is_established",
    )

    def __init__(
        self,
        context: ssl.SSLContext,
        server_hostname: str | None = None,
        resumed: ssl.SSLSession | None = None,
    ) -> None:
        """``server_hostname`` is the server's name, or its address, for the side of the client.

        None makes this side the server. ``resumed`` is what an earlier session with the server had
        as ``resumable``.
        """
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._object = context.wrap_bio(
            self._incoming,
            self._outgoing,
            server_side=server_hostname is None,
            server_hostname=server_hostname,
            session=resumed,
        )
        self._left = _LONGEST
        """Octets that the peer may send before the handshake ends."""
        self._early = bytearray()
        """What was sealed before the handshake ended."""
        self.is_established = False
        """Whether the handshake has ended."""
        self.has_ended = False
        """Whether the peer has said that it sends nothing more (``close_notify``)."""
        self.error = ""
        """Why the session failed, such as "certificate verify failed"; empty if it has not."""

    @property
    def resumable(self) -> ssl.SSLSession | None:
        """What another session can resume this one by, if the server has given anything."""
        return self._object.session if self.is_established else None

    def receive(self, octets: bytes) -> bytes:
        """Take octets of the peer: all that could be decrypted, which may be nothing.

        What TLS itself has to send then is ``outgoing``: first of all, on the side of the client,
        what begins the handshake, after no octets.

        Raises:
            TlsError: the connection is of no more use.
        """
        self._incoming.write(octets)
        if not self.is_established:
            self._left -= len(octets)
            self._handshake()
            if not self.is_established:
                return b""
        incoming, read, pending = self._incoming, self._object.read, self._object.pending
        parts: list[bytes] = []
        try:
            # OpenSSL reads whole records only, so what is left is in one of the two.
            while (incoming.pending or pending()) and not self.has_ended:
                part = read(_MOST)
                if part:
                    parts.append(part)
                else:
                    self.has_ended = True
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:  # as an empty part, after ``end``
            self.has_ended = True
        except ssl.SSLError as error:
            raise self._failed(error) from None
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def seal(self, octets: bytes) -> bytes:
        """What to send for these octets; nothing before the handshake has ended.

        What was sealed before then is ``outgoing`` as soon as it ends.

        Raises:
            TlsError: the connection is of no more use.
        """
        if not self.is_established:
            self._early += octets
            return b""
        self._seal(octets)
        return self._outgoing.read()

    def outgoing(self) -> bytes:
        """What TLS itself has to send: of the handshake, tickets, answers, alerts."""
        return self._outgoing.read() if self._outgoing.pending else b""

    def end(self) -> bytes:
        """What tells the peer that nothing more is sent (``close_notify``)."""
        if self.is_established:
            # An error says that the peer has not told the same so far, or that the session failed.
            with contextlib.suppress(ssl.SSLError):
                self._object.unwrap()
        return self._outgoing.read()

    def peer_certificate(self) -> dict[str, Any]:
        """The certificate of the peer, as ``SSLObject.getpeercert`` gives it, once verified."""
        return self._object.getpeercert() or {}

    def _handshake(self) -> None:
        if self._left < 0:
            self.error = "the handshake is too long"
            raise TlsError(self.error)
        try:
            self._object.do_handshake()
        except ssl.SSLWantReadError:
            return
        except ssl.SSLError as error:
            raise self._failed(error) from None
        self.is_established = True
        if self._early:
            self._seal(bytes(self._early))
            self._early.clear()

    def _seal(self, octets: bytes) -> None:
        try:
            sealed = self._object.write(octets)
            while sealed < len(octets):  # a write makes one record
                sealed += self._object.write(octets[sealed : sealed + _MOST])
        except ssl.SSLError as error:
            raise self._failed(error) from None

    def _failed(self, error: ssl.SSLError) -> TlsError:
        self.error = failure_of(error)
        return TlsError(self.error)


def failure_of(error: ssl.SSLError) -> str:
    """Why TLS failed, such as "certificate verify failed: certificate has expired"."""
    named: str | None = getattr(error, "reason", None)  # declared as a string, but it may be None
    reason = (named or str(error)).replace("_", " ").lower()
    detail = getattr(error, "verify_message", "")
    return f"{reason}: {detail}" if detail else reason
