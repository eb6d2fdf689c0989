"""The control socket where something is in its place."""

import asyncio
from pathlib import Path

import pytest

from resolver.metrics.part import Answer, Request
from resolver.supervisor import control_client
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


def test_a_path_longer_than_that_of_a_socket(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    state, config = tmp_path / ("state" * 20), tmp_path / "config.toml"
    state.mkdir()
    monkeypatch.setenv("STATE_DIRECTORY", str(state))

    async def serve(request: Request) -> Answer:
        return {"is": request["command"]}

    async def play() -> None:
        server = ControlServer(config, {"status": serve})
        await server.start(control_client.socket_path(state))
        answer = await asyncio.to_thread(control_client.ask, config, {"command": "status"})
        assert answer == {"is": "status"}
        server.stop()
        assert not list(state.iterdir())

    asyncio.run(play())
    assert not [record for record in caplog.records if record.name == "asyncio"]
