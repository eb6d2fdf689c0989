"""A client that reads no response, or sends a header too slowly or too long, is disconnected."""

import asyncio
import contextlib

import pytest

from resolver.web import limited_protocol
from resolver.web.connection_limit import MAX_HEADER

TIMEOUT = 0.1
"""Seconds that a client has for its header here."""

_MUCH = b"x" * (8 << 20)


class _Sender(asyncio.Protocol):
    """Sends much to every client."""

    def __init__(self) -> None:
        self.lost = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.write(_MUCH)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self.lost.set()


async def _received(*, reading: bool) -> int:
    """How many octets reach a client that reads, or that reads only after it is disconnected."""
    sender = _Sender()
    loop = asyncio.get_running_loop()
    limit = limited_protocol.limited(lambda: sender)
    server = await loop.create_server(limit, "127.0.0.1", 0)
    async with server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        received = 0
        if reading:
            received += len(await reader.readexactly(len(_MUCH)))
        else:
            await asyncio.wait_for(sender.lost.wait(), 10)
            try:
                while read := await reader.read(1 << 16):
                    received += len(read)
            except ConnectionResetError:
                pass
        writer.close()
        await writer.wait_closed()
        await asyncio.wait_for(sender.lost.wait(), 10)
    return received


def test_a_client_that_reads_gets_the_whole_response() -> None:
    assert asyncio.run(_received(reading=True)) == len(_MUCH)


def test_a_client_that_does_not_read_is_disconnected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limited_protocol, "READ_TIMEOUT", 0.05)
    assert asyncio.run(_received(reading=False)) < len(_MUCH)


class _Receiver(asyncio.Protocol):
    """Keeps what clients send, and answers nothing."""

    def __init__(self) -> None:
        self.received = b""

    def data_received(self, data: bytes) -> None:
        self.received += data


class _Connection(asyncio.Transport):
    """A connection of a client."""

    def __init__(self) -> None:
        super().__init__()
        self.aborted = asyncio.Event()

    def abort(self) -> None:
        self.aborted.set()


async def _passed_on(*sent: bytes) -> bytes | None:
    """What aiohttp gets of what a client sends; None where the client is disconnected."""
    receiver, connection = _Receiver(), _Connection()
    protocol = limited_protocol.limited(lambda: receiver)()
    protocol.connection_made(connection)
    for part in sent:
        protocol.data_received(part)
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(connection.aborted.wait(), 3 * TIMEOUT)
        return None
    return receiver.received


@pytest.mark.parametrize(
    "sent",
    [
        [],
        [b"GET / HTTP/1.1\r\n", b"Host: a\r\n"],
        [b"GET / HTTP/1.1\r\nX: " + b"y" * MAX_HEADER],
        [b"GET / HTTP/1.1\r\n", *[b"X: y\r\n"] * MAX_HEADER, b"\r\n"],
    ],
    ids=["nothing", "a part", "too long", "too many"],
)
def test_who_sends_no_whole_header_is_disconnected(
    sent: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limited_protocol, "HEADER_TIMEOUT", TIMEOUT)
    assert asyncio.run(_passed_on(*sent)) is None


@pytest.mark.parametrize(
    "sent",
    [
        [b"GET / HTTP/1.1\r\n\r\n"],
        [b"GET / HTTP/1.1\r\nHost: a\r", b"\n\r", b"\n"],
        [b"POST / HTTP/1.1\r\n\r\nbody", b"more"],
        [b"GET / HTTP/1.1\r\n\r\n", b"x" * MAX_HEADER],
    ],
    ids=["at once", "in parts", "with a body", "with a large body"],
)
def test_a_whole_header_is_passed_on_with_what_follows(
    sent: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limited_protocol, "HEADER_TIMEOUT", TIMEOUT)
    assert asyncio.run(_passed_on(*sent)) == b"".join(sent)
