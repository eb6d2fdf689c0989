"""A TCP connection passes on what it received and was given, however the peer cuts or takes it."""

import asyncio
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.transport.loop import Loop
from resolver.transport.stream import framed
from tests.transport.noted import Noted
from tests.upstream.virtual_time import run

pytestmark = pytest.mark.interpreted  # a compiled class takes no subclass


def connected(loop: Loop) -> tuple[Noted, socket.socket]:
    """A connection, and the end of its peer."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        peer = socket.create_connection(listening.getsockname())
        ours, _ = listening.accept()
    ours.setblocking(False)
    peer.setblocking(False)
    stream = Noted(loop)
    stream.open(ours)
    return stream, peer


@given(st.lists(st.binary(max_size=40), max_size=6), st.lists(st.integers(1, 50), max_size=20))
def test_messages_are_the_same_however_the_peer_cuts_them(
    messages: list[bytes], cuts: list[int]
) -> None:
    async def play(loop: Loop) -> None:
        stream, peer = connected(loop)
        octets = b"".join(map(framed, messages))
        with peer:
            for size in [*cuts, len(octets)]:
                part, octets = octets[:size], octets[size:]
                if part:
                    await loop.sock_sendall(peer, part)
                    await asyncio.sleep(1)
        await asyncio.sleep(1)
        stream.close()
        assert stream.events == [*messages, "ended", "lost"]

    run(play)


def test_a_peer_that_takes_nothing_for_a_while_gets_all_in_order() -> None:
    async def play(loop: Loop) -> None:
        stream, peer = connected(loop)
        parts = [bytes([number]) * 500_000 for number in range(40)]
        for part in parts:
            stream.write(part)
        drained = [stream.is_drained]
        with peer:
            got = bytearray()
            while len(got) < 20_000_000:
                got += await loop.sock_recv(peer, 1 << 20)
        await asyncio.sleep(1)
        assert got == b"".join(parts)
        drained.append(stream.is_drained)
        assert drained == [False, True]
        assert set(stream.events[:-1]) == {"taken"}
        assert stream.events[-1] == "ended"
        stream.close()

    run(play)


def test_what_the_peer_has_not_taken_is_discarded_at_the_end() -> None:
    async def play(loop: Loop) -> None:
        stream, peer = connected(loop)
        for number in range(40):
            stream.write(bytes([number]) * 500_000)
        assert not stream.is_acknowledged
        stream.close()
        with peer, pytest.raises(ConnectionResetError):
            await _all(loop, peer)

    run(play)


async def _all(loop: Loop, peer: socket.socket) -> None:
    while await loop.sock_recv(peer, 1 << 20):
        pass


def test_what_the_peer_has_taken_but_not_read_is_not_lost_at_the_end() -> None:
    async def play(loop: Loop) -> None:
        stream, peer = connected(loop)
        stream.write(b"all")
        await asyncio.sleep(1)
        assert stream.is_acknowledged
        stream.close()
        with peer:
            assert await loop.sock_recv(peer, 100) == b"all"
            assert await loop.sock_recv(peer, 100) == b""

    run(play)


def test_a_connection_that_the_peer_resets_is_lost_once() -> None:
    async def play(loop: Loop) -> None:
        stream, peer = connected(loop)
        for number in range(40):
            stream.write(bytes([number]) * 500_000)
        peer.close()  # with octets that it has not read, so the kernel sends a reset
        await asyncio.sleep(1)
        stream.write(b"more")
        stream.close()
        assert stream.events == ["lost"]

    run(play)


def test_a_connection_that_does_not_read_leaves_the_octets_to_the_kernel() -> None:
    async def play(loop: Loop) -> None:
        stream, peer = connected(loop)
        stream.read(False)
        with peer:
            await loop.sock_sendall(peer, framed(b"query"))
            await asyncio.sleep(1)
            assert stream.events == []
            stream.read(True)
            await asyncio.sleep(1)
            assert stream.events == [b"query"]
        stream.close()

    run(play)
