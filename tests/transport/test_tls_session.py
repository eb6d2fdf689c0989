"""A TLS session passes on what the peer sealed, and nothing before the handshake has ended."""

import contextlib
import itertools
import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.transport.tls_session import TlsError, TlsSession
from tests.fetch.source_server import Authority
from tests.transport.tls_sessions import VERSIONS, exchange

pytestmark = pytest.mark.processes

CUTS = st.lists(st.integers(1, 700), max_size=12)


class Contexts:
    """The contexts of both sides, for one version of TLS."""

    def __init__(self, authority: Authority, version: ssl.TLSVersion) -> None:
        self.server = authority.context()
        self.client = ssl.create_default_context(cafile=authority.trusted)
        self.server.minimum_version = self.server.maximum_version = version

    def sessions(self) -> tuple[TlsSession, TlsSession]:
        """A client that has begun the handshake, and a server."""
        client = TlsSession(self.client, "localhost")
        client.receive(b"")
        return client, TlsSession(self.server)

    def established(self) -> tuple[TlsSession, TlsSession]:
        client, server = self.sessions()
        exchange(client, server)
        assert client.is_established
        assert server.is_established
        return client, server


@pytest.fixture(scope="module", params=VERSIONS, ids=["1.2", "1.3"])
def contexts(request: pytest.FixtureRequest, made_authority: Authority) -> Contexts:
    return Contexts(made_authority, request.param)


def parts(octets: bytes, cuts: list[int]) -> list[bytes]:
    ends = [*itertools.accumulate(cuts), len(octets)]
    return [octets[begin:end] for begin, end in itertools.pairwise([0, *ends])]


@given(packets=st.lists(st.binary(max_size=600), max_size=8), is_client=st.booleans())
def test_any_octets_give_nothing_but_an_error(
    contexts: Contexts, packets: list[bytes], is_client: bool
) -> None:
    session = contexts.sessions()[0 if is_client else 1]
    failed = False
    with contextlib.suppress(TlsError):
        failed = True
        for packet in packets:
            assert session.receive(packet) == b""
        failed = False
    assert bool(session.error) == failed
    assert not session.is_established
    session.end()


@given(cuts=CUTS, at=st.integers(0, 5000), flip=st.integers(1, 255))
def test_a_handshake_with_a_wrong_octet_gives_nothing_that_was_not_sealed(
    contexts: Contexts, cuts: list[int], at: int, flip: int
) -> None:
    client, server = contexts.sessions()
    client.seal(b"query")
    got, sent = b"", 0
    try:
        while octets := bytearray(client.outgoing()):
            if sent <= at < sent + len(octets):
                octets[at - sent] ^= flip
            sent += len(octets)
            for part in parts(bytes(octets), cuts):
                got += server.receive(part)
            client.receive(server.outgoing())
    except TlsError:
        pass
    assert got == b"" or (got == b"query" and server.is_established)


@given(messages=st.lists(st.binary(min_size=1, max_size=60_000), max_size=4), cuts=CUTS)
def test_octets_are_the_same_however_they_are_cut(
    contexts: Contexts, messages: list[bytes], cuts: list[int]
) -> None:
    client, server = contexts.established()
    for sender, receiver in ((client, server), (server, client)):
        octets = b"".join([sender.seal(message) for message in messages])
        got = b"".join([receiver.receive(part) for part in parts(octets, cuts)])
        assert got == b"".join(messages)


def test_records_that_come_together_are_all_given_at_once(contexts: Contexts) -> None:
    client, server = contexts.established()
    sealed = b"".join([client.seal(b"%03d" % number) for number in range(500)])
    assert server.receive(sealed) == b"".join([b"%03d" % number for number in range(500)])


def test_what_is_sealed_before_the_handshake_ends_is_sent_with_its_end(contexts: Contexts) -> None:
    client, server = contexts.sessions()
    assert client.seal(b"first ") == b""
    assert client.seal(b"query") == b""
    assert exchange(client, server) == (b"", b"first query")


def test_data_in_the_packet_that_ends_the_handshake_is_given(contexts: Contexts) -> None:
    client, server = contexts.sessions()
    client.seal(b"query")
    server.receive(client.outgoing())
    client.receive(server.outgoing())
    last = client.outgoing()
    if not client.is_established:  # TLS 1.2: the server has the last word
        assert server.receive(last) == b""
        client.receive(server.outgoing())
        last = client.outgoing()
    assert server.receive(last) == b"query"


@pytest.mark.parametrize("data", [b"", b"last query"])
def test_the_end_is_told_after_the_data_before_it(contexts: Contexts, data: bytes) -> None:
    client, server = contexts.established()
    sealed = client.seal(data) if data else b""
    assert server.receive(sealed + client.end()) == data
    assert server.has_ended
    assert server.error == ""
    assert client.receive(server.seal(b"reply") + server.end()) == b"reply"
    assert client.has_ended


def test_what_follows_the_end_is_left(contexts: Contexts) -> None:
    client, server = contexts.established()
    assert server.receive(client.end() + b"anything") == b""
    assert server.receive(b"anything") == b""
    assert server.has_ended


def test_a_handshake_that_is_too_long_is_an_error(contexts: Contexts) -> None:
    _, server = contexts.sessions()
    # The head of a hello of 128,000 octets, of which OpenSSL keeps what has come.
    server.receive(b"\x16\x03\x03\x00\x04\x01" + (128_000).to_bytes(3, "big"))
    record = b"\x16\x03\x03\x3f\xf0" + bytes(0x3FF0)
    server.receive(record)
    server.receive(record)
    with pytest.raises(TlsError, match="too long"):
        server.receive(record)
    assert server.error == "the handshake is too long"


def test_a_session_that_is_not_established_ends_with_nothing(contexts: Contexts) -> None:
    _, server = contexts.sessions()
    assert server.end() == b""


def test_a_certificate_of_another_name_is_an_error_that_both_sides_learn(
    contexts: Contexts,
) -> None:
    client, server = TlsSession(contexts.client, "other.example"), TlsSession(contexts.server)
    client.receive(b"")
    server.receive(client.outgoing())
    with pytest.raises(TlsError, match="Hostname mismatch"):
        client.receive(server.outgoing())
    assert "certificate verify failed" in client.error
    with pytest.raises(TlsError, match="alert"):
        server.receive(client.end())
    assert not server.is_established


def test_a_certificate_is_for_an_address_too(contexts: Contexts) -> None:
    client, server = TlsSession(contexts.client, "127.0.0.1"), TlsSession(contexts.server)
    client.receive(b"")
    exchange(client, server)
    assert client.is_established
