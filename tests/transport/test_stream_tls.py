"""A connection with TLS passes on messages as one without; what breaks TLS closes it."""

import asyncio
import socket
import ssl

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from resolver.transport.loop import Loop
from resolver.transport.stream import framed
from resolver.transport.tls_session import TlsSession
from tests.fetch.source_server import Authority
from tests.transport.noted import Noted
from tests.transport.tls_sessions import client_session
from tests.upstream.virtual_time import run

pytestmark = [
    pytest.mark.processes,
    pytest.mark.interpreted,  # a compiled class takes no subclass
]


def pair() -> tuple[socket.socket, socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        peer = socket.create_connection(listening.getsockname())
        ours, _ = listening.accept()
    ours.setblocking(False)
    peer.setblocking(False)
    return ours, peer


def both(loop: Loop, authority: Authority) -> tuple[Noted, Noted]:
    """The server's and the client's connection, whose handshake has begun."""
    ours, peer = pair()
    server, client = Noted(loop), Noted(loop)
    server.open(ours, TlsSession(authority.context()))
    client.open(peer, client_session(authority))
    return server, client


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.binary(max_size=9000), max_size=8))
def test_messages_pass_both_ways(made_authority: Authority, messages: list[bytes]) -> None:
    async def play(loop: Loop) -> None:
        server, client = both(loop, made_authority)
        established = [client.is_established]
        for message in messages:
            client.write(framed(message))  # before the handshake has ended
        await asyncio.sleep(1)
        established += [client.is_established, server.is_established]
        assert established == [False, True, True]
        for message in messages:
            server.write(framed(message))
        await asyncio.sleep(1)
        assert server.events == client.events == messages
        client.close()
        await asyncio.sleep(1)
        assert server.events == [*messages, "ended"]
        assert server.has_ended
        server.close()

    run(play)


def test_a_peer_that_takes_nothing_for_a_while_gets_all_in_order(
    made_authority: Authority,
) -> None:
    async def play(loop: Loop) -> None:
        server, client = both(loop, made_authority)
        await asyncio.sleep(1)
        client.read(False)
        parts = [bytes([number]) * 60_000 for number in range(250)]
        for part in parts:
            server.write(framed(part))
        drained = [server.is_drained]
        client.read(True)
        await asyncio.sleep(1)
        assert client.events == parts
        drained.append(server.is_drained)
        assert drained == [False, True]
        server.end()
        await asyncio.sleep(1)
        assert client.events[-1] == "ended"
        client.close()
        server.close()

    run(play)


@pytest.mark.parametrize("said", [b"\x00\x1d not TLS", b"GET / HTTP/1.1\r\n\r\n"])
def test_what_is_not_tls_closes_the_connection(made_authority: Authority, said: bytes) -> None:
    async def play(loop: Loop) -> None:
        ours, peer = pair()
        server = Noted(loop)
        server.open(ours, TlsSession(made_authority.context()))
        with peer:
            await loop.sock_sendall(peer, said)
            await asyncio.sleep(1)
            assert server.events == ["lost"]
            assert not server.is_open

    run(play)


def test_a_peer_learns_why_its_handshake_failed(made_authority: Authority) -> None:
    async def play(loop: Loop) -> None:
        ours, peer = pair()
        context = made_authority.context()
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        old = ssl.create_default_context(cafile=made_authority.trusted)
        old.maximum_version = ssl.TLSVersion.TLSv1_2
        session = TlsSession(old, "localhost")
        server, client = Noted(loop), Noted(loop)
        server.open(ours, TlsSession(context))
        client.open(peer, session)
        await asyncio.sleep(1)
        assert server.events == client.events == ["lost"]
        assert session.error == "tlsv1 alert protocol version"

    run(play)


def test_an_end_without_close_notify_ends_the_connection(made_authority: Authority) -> None:
    async def play(loop: Loop) -> None:
        ours, peer = pair()
        server = Noted(loop)
        server.open(ours, TlsSession(made_authority.context()))
        peer.close()
        await asyncio.sleep(1)
        assert server.events == ["ended"]
        server.close()
        assert server.events == ["ended", "lost"]

    run(play)


class Answering(TlsSession):
    """A session of a peer that only asks for what TLS itself answers, as updates of its keys."""

    ANSWER = bytes(1024)

    def receive(self, octets: bytes) -> bytes:  # noqa: ARG002 - none of them is of DNS
        return b""

    def outgoing(self) -> bytes:
        return self.ANSWER


def test_a_peer_that_asks_for_answers_of_tls_and_takes_none_is_closed(
    made_authority: Authority,
) -> None:
    async def play(loop: Loop) -> None:
        ours, peer = pair()
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        server = Noted(loop)
        server.open(ours, Answering(made_authority.context()))
        most = 0
        with peer:
            for _ in range(20_000):  # the kernel's buffers are full long before
                await loop.sock_sendall(peer, b"update")
                await asyncio.sleep(0.01)
                if not server.is_open:
                    break
                most = max(most, server.unsent)
        assert server.events == ["lost"]
        assert most < 20_000  # octets: a record and an answer

    run(play)
