"""The control socket where its directory was changed under it."""

import asyncio
import shutil
from pathlib import Path

import pytest

from resolver.supervisor import control
from resolver.supervisor.control import ControlServer


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


@pytest.mark.parametrize("removed", [True, False])
def test_it_is_made_again(tmp_path: Path, removed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """After its directory was removed; or after a start on a disk that could not be written to."""
    monkeypatch.setattr(control, "_LOOK", 0.01)
    path = tmp_path / "state" / "control.sock"
    path.parent.mkdir()
    noted: list[bool] = []
    server = ControlServer(tmp_path / "config.toml", {}, noted.append)

    async def play() -> None:
        if removed:
            await server.start(path)
            shutil.rmtree(path.parent)
        else:
            path.mkdir()  # so that nothing can be put in its place
            with pytest.raises(OSError, match="directory"):
                await server.start(path)
            path.rmdir()
            path.touch()  # as the socket of an earlier server
        listening = asyncio.create_task(server.listen_again())
        async with asyncio.timeout(10):
            while not await _listens(path):
                await asyncio.sleep(0.01)
        server.stop()
        await listening

    asyncio.run(play())
    assert noted[0] is False
    assert noted[-1] is True
