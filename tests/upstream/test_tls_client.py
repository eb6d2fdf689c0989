"""Sessions with an upstream server: one resumes another, as long as the certificate is valid."""

import ssl

import pytest

from resolver.exchange.servers import Server
from resolver.transport.tls_session import TlsSession
from resolver.upstream import tls_client
from resolver.upstream.tls_client import TlsClient
from tests.fetch.source_server import Authority
from tests.transport.tls_sessions import VERSIONS, exchange

pytestmark = pytest.mark.processes


@pytest.mark.parametrize("version", VERSIONS)
def test_a_session_is_resumed_only_until_the_certificate_expires(
    made_authority: Authority, monkeypatch: pytest.MonkeyPatch, version: ssl.TLSVersion
) -> None:
    context = made_authority.context()
    context.maximum_version = version
    trusted = made_authority.trusted.read_text()
    client = TlsClient(Server("192.0.2.1", 853, "upstream", "", "localhost", trusted))
    resumed: list[bool] = []

    def connect() -> float:
        asking, answering = client.begin(), TlsSession(context)
        asking.receive(b"")
        exchange(asking, answering)
        resumed.append(context.session_stats()["hits"] > sum(resumed))
        client.keep(asking)
        return ssl.cert_time_to_seconds(str(asking.peer_certificate()["notAfter"]))

    expires = connect()
    connect()
    monkeypatch.setattr(tls_client, "time", lambda: expires - 1.0)
    connect()
    monkeypatch.setattr(tls_client, "time", lambda: expires + 0.0)
    connect()
    assert resumed == [False, True, True, False]
