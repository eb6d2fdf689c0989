"""DNS over TLS: handshakes have their turns, their time, and no more than their share."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from dnslib import DNSRecord

from resolver.server import tcp
from resolver.server.tcp import HANDSHAKE, HANDSHAKES, IDLE, MAX_CONNECTIONS, TLS_IDLE, TcpServer
from resolver.transport.handshakes import Handshakes, Handshaking
from resolver.transport.loop import Loop
from resolver.transport.tls_session import TlsSession
from tests.fetch.source_server import Authority
from tests.server.assembled import Assembled
from tests.server.framed_messages import messages
from tests.transport.noted import Noted
from tests.transport.tls_sessions import client_session
from tests.upstream.virtual_time import run

pytestmark = [
    pytest.mark.processes,
    pytest.mark.interpreted,  # a compiled class takes no subclass
]


class Waiting(Handshaking):
    """A connection that notes its turn."""

    def __init__(self, prefix: bytes, number: int, turns: list[tuple[bytes, int]]) -> None:
        self.prefix = prefix
        self._number = number
        self._turns = turns

    def take_turn(self) -> None:
        self._turns.append((self.prefix, self._number))


def test_prefixes_take_turns_and_each_turn_is_an_iteration_of_the_loop() -> None:
    async def play(loop: Loop) -> None:
        handshakes, turns = Handshakes(loop), list[tuple[bytes, int]]()
        made = [Waiting(b"a", number, turns) for number in range(4)]
        for waiting in (*made, Waiting(b"b", 0, turns), Waiting(b"c", 0, turns)):
            handshakes.wait(waiting)
        handshakes.forget(made[1])
        iterations: list[int] = []
        loop.on_iteration_end(lambda: iterations.append(len(turns)))
        await asyncio.sleep(1)
        assert turns == [(b"a", 0), (b"b", 0), (b"c", 0), (b"a", 2), (b"a", 3)]
        assert set(iterations) >= {1, 2, 3, 4, 5}

    run(play)


def test_a_connection_that_waits_for_nothing_is_forgotten_without_harm() -> None:
    async def play(loop: Loop) -> None:
        handshakes = Handshakes(loop)
        turns: list[tuple[bytes, int]] = []
        one = Waiting(b"a", 0, turns)
        handshakes.forget(one)
        handshakes.wait(one)
        handshakes.forget(one)
        await asyncio.sleep(1)
        assert turns == []

    run(play)


Open = Callable[..., tuple[Noted, TlsSession]]


@asynccontextmanager
async def served(
    loop: Loop, authority: Authority, *, certified: bool = True
) -> AsyncIterator[tuple[tuple[str, int], Open]]:
    """A server of DNS over TLS: its address, and what opens a connection of a client."""
    assembled, handshakes = Assembled(loop), Handshakes(loop)
    if certified:
        handshakes.use(authority.certificate.read_text() + authority.key.read_text())
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    server = TcpServer(loop, listening, assembled.handler, assembled.counters, None, handshakes)
    server.start()
    where = listening.getsockname()
    streams: list[Noted] = []

    def connect(client: str = "127.0.0.1") -> tuple[Noted, TlsSession]:
        plain = socket.create_connection(where, source_address=(client, 0))
        plain.setblocking(False)
        stream, session = Noted(loop), client_session(authority)
        streams.append(stream)
        stream.open(plain, session)
        return stream, session

    try:
        yield where, connect
    finally:
        for stream in streams:
            stream.close()
        listening.close()
        await asyncio.sleep(2 * IDLE)


def answers(stream: Noted) -> list[str]:
    packets = [event for event in stream.events if isinstance(event, bytes)]
    return [str(DNSRecord.parse(packet).short()) for packet in packets]


def test_a_client_is_answered(made_authority: Authority) -> None:
    async def play(loop: Loop) -> None:
        async with served(loop, made_authority) as (_, connect):
            stream, _ = connect()
            stream.write(messages(["localhost.", "denied.example."]))
            await asyncio.sleep(1)
            assert sorted(answers(stream)) == ["0.0.0.0", "127.0.0.1"]
            stream.end()
            await asyncio.sleep(1)
            assert stream.events[-1] == "ended"

    run(play)


@pytest.mark.parametrize(("most", "idle"), [(MAX_CONNECTIONS, TLS_IDLE), (1, IDLE)])
def test_an_idle_connection_is_kept_for_longer_than_over_tcp_and_in_a_crowd_for_less(
    made_authority: Authority, monkeypatch: pytest.MonkeyPatch, most: int, idle: float
) -> None:
    monkeypatch.setattr(tcp, "MAX_CONNECTIONS", most)

    async def play(loop: Loop) -> None:
        async with served(loop, made_authority) as (_, connect):
            stream, _ = connect()
            stream.write(messages(["localhost."]))
            await asyncio.sleep(idle - 1)
            assert answers(stream) == ["127.0.0.1"]
            assert not stream.has_ended
            await asyncio.sleep(2.5)
            assert stream.has_ended

    run(play)


def test_without_a_certificate_a_connection_is_closed(made_authority: Authority) -> None:
    async def play(loop: Loop) -> None:
        async with served(loop, made_authority, certified=False) as (_, connect):
            stream, session = connect()
            await asyncio.sleep(1)
            assert "lost" in stream.events or "ended" in stream.events
            assert not session.is_established

    run(play)


@pytest.mark.parametrize("said", [b"", b"\x16\x03\x01\x02\x00\x01"])
def test_a_handshake_that_does_not_end_has_less_time_than_a_connection(
    made_authority: Authority, said: bytes
) -> None:
    async def play(loop: Loop) -> None:
        async with served(loop, made_authority) as (where, connect):
            stream, _ = connect()
            with socket.create_connection(where) as half:
                half.setblocking(False)
                await loop.sock_sendall(half, said)
                await asyncio.sleep(HANDSHAKE - 1)
                with pytest.raises(BlockingIOError):
                    half.recv(1)
                await asyncio.sleep(1.5)
                assert await loop.sock_recv(half, 1) == b""
            assert stream.is_open
            await asyncio.sleep(TLS_IDLE)
            assert stream.has_ended

    run(play)


def test_handshakes_that_do_not_end_close_no_connection_of_another(
    made_authority: Authority,
) -> None:
    async def play(loop: Loop) -> None:
        async with served(loop, made_authority) as (where, connect):
            others = [connect("127.0.0.9")[0] for _ in range(3)]
            await asyncio.sleep(0.1)
            with contextlib.ExitStack() as stack:
                for number in range(MAX_CONNECTIONS + 50):
                    client = f"127.0.{number % 7}.{1 + number % 200}"
                    half = socket.create_connection(where, source_address=(client, 0))
                    stack.enter_context(half)
                    if number % 2:
                        half.sendall(b"\x16\x03\x01\x02\x00\x01")
                    await asyncio.sleep(0)
                late, _ = connect("127.0.9.5")
                for other in (*others, late):
                    other.write(messages(["localhost."]))
                await asyncio.sleep(0.5)
                assert [answers(other) for other in (*others, late)] == [["127.0.0.1"]] * 4

    run(play)


def test_one_host_with_all_connections_keeps_no_other_from_a_handshake(
    made_authority: Authority,
) -> None:
    async def play(loop: Loop) -> None:
        async with served(loop, made_authority) as (where, connect):
            hoard = [connect(f"127.0.0.{1 + number % 8}") for number in range(MAX_CONNECTIONS)]
            await asyncio.sleep(1)
            assert all(session.is_established for _, session in hoard)
            with contextlib.ExitStack() as stack:

                async def be_silent(count: int) -> None:
                    for number in range(count):
                        client = f"127.0.0.{1 + number % 8}"
                        silent = socket.create_connection(where, source_address=(client, 0))
                        stack.enter_context(silent)
                        await asyncio.sleep(0)

                await be_silent(2 * HANDSHAKES)
                slow = socket.create_connection(where, source_address=("127.0.9.5", 0))
                await be_silent(2 * HANDSHAKES)
                slow.setblocking(False)
                stream = Noted(loop)
                stream.open(slow, client_session(made_authority))
                stream.write(messages(["localhost."]))
                await asyncio.sleep(0.5)
                assert answers(stream) == ["127.0.0.1"]
                stream.close()

    run(play)
