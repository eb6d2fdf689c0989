"""A visitor who does not read what it asked for is not waited for."""

import asyncio

import pytest

from resolver.web import visitors

_MUCH = b"x" * (8 << 20)


class _Teller(asyncio.Protocol):
    """Says much to whoever comes."""

    def __init__(self) -> None:
        self.lost = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.write(_MUCH)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio says it
        self.lost.set()


async def _visited(*, reading: bool) -> int:
    """How many octets arrived at a visitor who reads, or who reads only when it is too late."""
    teller = _Teller()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(visitors.Visitors(lambda: teller), "127.0.0.1", 0)
    async with server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        arrived = 0
        if reading:
            arrived += len(await reader.readexactly(len(_MUCH)))
        else:
            await asyncio.wait_for(teller.lost.wait(), 10)
            try:
                while read := await reader.read(1 << 16):
                    arrived += len(read)
            except ConnectionResetError:
                pass
        writer.close()
    return arrived


def test_one_that_reads_gets_it_all() -> None:
    assert asyncio.run(_visited(reading=True)) == len(_MUCH)


def test_one_that_does_not_read_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visitors, "READING", 0.05)
    assert asyncio.run(_visited(reading=False)) < len(_MUCH)
