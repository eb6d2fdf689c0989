"""The client's side of TLS with upstream servers: whom it trusts, and what it resumes.

What must stay true:
- A server is asked only if its certificate is valid for its name in the config, and comes from an
  authority of the system or of the group's ``ca_file`` (RFC 8310, strict). Its address does not
  count, and nothing in its place is asked.
- A session is resumed no longer than the certificate is valid: OpenSSL does not look at it again.
"""

import functools
import ssl
from time import time

from resolver.exchange.servers import Server
from resolver.transport.tls_session import TlsSession


@functools.cache
def context_for(authorities: str) -> ssl.SSLContext:
    """The context of connections to servers; ``authorities`` are trusted besides the system's."""
    context = ssl.create_default_context()
    context.set_alpn_protocols(["dot"])
    context.hostname_checks_common_name = False
    if authorities:
        context.load_verify_locations(cadata=authorities)
    return context


class TlsClient:
    """The sessions with one server."""

    def __init__(self, server: Server) -> None:
        self._context = context_for(server.authorities)
        self._name = server.tls_name
        self._resumable: ssl.SSLSession | None = None
        self._expires = 0.0
        """When the certificate of that session expires, in seconds since 1970."""

    def begin(self) -> TlsSession:
        """Begin a session, which resumes an earlier one if the server agrees (RFC 8446 2.2)."""
        resumed = self._resumable if time() < self._expires else None
        return TlsSession(self._context, self._name, resumed)

    def keep(self, session: TlsSession) -> None:
        """Keep what the server has given to resume a session by."""
        if (resumable := session.resumable) is not None:
            expires = str(session.peer_certificate()["notAfter"])
            self._resumable, self._expires = resumable, float(ssl.cert_time_to_seconds(expires))
