"""Sessions of TLS in memory: a client's, and what two of them say to one another."""

import ssl

from resolver.transport.tls_session import TlsSession
from tests.fetch.source_server import Authority


def client_session(authority: Authority) -> TlsSession:
    return TlsSession(ssl.create_default_context(cafile=authority.trusted), "localhost")


VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]


def exchange(client: TlsSession, server: TlsSession) -> tuple[bytes, bytes]:
    """Pass on what TLS itself has to send; what client and server decrypt by that."""
    to_client, to_server = b"", b""
    while True:
        from_client = client.outgoing()
        to_server += server.receive(from_client)
        from_server = server.outgoing()
        to_client += client.receive(from_server)
        if not from_client and not from_server:
            return to_client, to_server
