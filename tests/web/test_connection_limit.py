"""A client that reads no response, or sends a header without end, is disconnected."""

import asyncio
import contextlib

import pytest

from resolver.web import connection_limit

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
    limit = connection_limit.limited(lambda: sender)
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
    return received


def test_a_client_that_reads_gets_the_whole_response() -> None:
    assert asyncio.run(_received(reading=True)) == len(_MUCH)


def test_a_client_that_does_not_read_is_disconnected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection_limit, "READ_TIMEOUT", 0.05)
    assert asyncio.run(_received(reading=False)) < len(_MUCH)


class _Receiver(asyncio.Protocol):
    """Keeps what clients send, and answers nothing."""

    def __init__(self) -> None:
        self.received = b""
        self.lost = asyncio.Event()

    def data_received(self, data: bytes) -> None:
        self.received += data

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self.lost.set()


async def _stays_connected(*sent: bytes) -> bool:
    receiver = _Receiver()
    loop = asyncio.get_running_loop()
    limit = connection_limit.limited(lambda: receiver)
    server = await loop.create_server(limit, "127.0.0.1", 0)
    async with server:
        _, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        for part in sent:
            writer.write(part)
            while not receiver.received.endswith(part):
                await asyncio.sleep(0)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(receiver.lost.wait(), 3 * connection_limit.HEADER_TIMEOUT)
        lost = receiver.lost.is_set()
        writer.close()
    return not lost


@pytest.mark.parametrize(
    ("sent", "stays"),
    [
        ([], False),
        ([b"GET / HTTP/1.1\r\n", b"Host: a\r\n"], False),
        ([b"GET / HTTP/1.1\r\n\r\n"], True),
        ([b"GET / HTTP/1.1\r\nHost: a\r", b"\n\r", b"\n"], True),
        ([b"GET / HTTP/1.1\r\n\r\n", b"GET / HTTP"], False),
        ([b"GET / HTTP/1.1\r\n\r\nGET / HTTP"], False),
        ([b"GET / HTTP/1.1\r\n\r\nGET / HTTP", b"/1.1\r\n\r\n"], True),
    ],
)
def test_a_header_must_come_to_its_end_in_time(
    sent: list[bytes], stays: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection_limit, "HEADER_TIMEOUT", 0.1)
    assert asyncio.run(_stays_connected(*sent)) == stays
