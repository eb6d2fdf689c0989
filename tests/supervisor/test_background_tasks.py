"""Work beside DNS that fails: it is logged, and begins again."""

import asyncio
import os
import resource
import socket
from pathlib import Path

import pytest

from resolver.supervisor.background_tasks import BackgroundTasks, report_unaccepted
from resolver.transport.loop import Loop
from tests.upstream.virtual_time import run


def test_work_without_an_end_begins_again(caplog: pytest.LogCaptureFixture) -> None:
    starts: list[float] = []

    async def play(loop: Loop) -> None:
        whole = asyncio.Event()

        async def work() -> None:
            starts.append(loop.time())
            if len(starts) < 3:
                raise ValueError(f"fault {len(starts)}")
            whole.set()

        BackgroundTasks().keep(work)
        await whole.wait()

    run(play)
    first, second, third = starts
    assert third - second == second - first > 1.0, "not at once, in a busy loop"
    assert [text for text in ("fault 1", "fault 2", "fault 3") if text in caplog.text] == [
        "fault 1",
        "fault 2",
    ]


def test_work_that_is_done_once_does_not_fail_silently(caplog: pytest.LogCaptureFixture) -> None:
    async def work() -> None:
        raise ValueError("fault")

    async def play(_: Loop) -> None:
        BackgroundTasks().start(work())
        await asyncio.sleep(1)

    run(play)
    assert "ValueError: fault" in caplog.text


def test_connections_that_are_not_accepted_are_one_line_of_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = str(tmp_path / "control.sock")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)

    async def play() -> list[str]:
        report_unaccepted()
        accepted = asyncio.Event()

        async def accept(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.close()
            await writer.wait_closed()
            accepted.set()

        server = await asyncio.start_unix_server(accept, path)
        with socket.socket(socket.AF_UNIX) as client:
            unused = os.dup(client.fileno())
            os.close(unused)
            resource.setrlimit(resource.RLIMIT_NOFILE, (unused, hard))
            try:
                client.connect(path)
                while not caplog.records:
                    await asyncio.sleep(0.01)
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            await accepted.wait()
        logged = [record.getMessage() for record in caplog.records]
        server.close()  # asyncio may try once more to accept, and log that it is closed
        await server.wait_closed()
        return logged

    assert asyncio.run(play()) == [
        "no command and no HTTP request is accepted for now: [Errno 24] Too many open files"
    ]


def test_other_errors_of_the_loop_are_logged_as_ever(caplog: pytest.LogCaptureFixture) -> None:
    async def play() -> None:
        report_unaccepted()
        asyncio.get_running_loop().call_soon(lambda: 1 // 0)
        await asyncio.sleep(0)

    asyncio.run(play())
    assert "ZeroDivisionError" in caplog.text
