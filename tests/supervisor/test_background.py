"""Work beside DNS that fails: it is logged, and begins again."""

import asyncio

import pytest

from resolver.server.loop import Loop
from resolver.supervisor.background import BackgroundTasks
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
