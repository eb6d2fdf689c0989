"""The control socket where something is in its place."""

import asyncio
from pathlib import Path

import pytest

from resolver.supervisor.control_socket import ControlServer


async def _listens(path: Path) -> bool:
    try:
        reader, writer = await asyncio.open_unix_connection(path)
    except OSError:
        return False
    writer.write(b"no question\n")
    assert await reader.read() == b""
    writer.close()
    await writer.wait_closed()
    return True


def test_it_can_be_made_later(tmp_path: Path) -> None:
    """After a start on a disk that could not be written to, and in the place of an earlier one."""
    path = tmp_path / "control.sock"
    server = ControlServer(tmp_path / "config.toml", {})

    async def play() -> None:
        path.mkdir()  # so that nothing can be put in its place
        with pytest.raises(OSError, match="directory"):
            await server.start(path)
        path.rmdir()
        path.touch()  # as the socket of an earlier server
        await server.start(path)
        assert await _listens(path)
        server.stop()
        assert not path.exists()

    asyncio.run(play())
