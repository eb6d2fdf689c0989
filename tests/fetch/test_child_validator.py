"""The process that validates the lists of an update: one for all, and another after it has died."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from resolver.fetch.download import FetchError
from resolver.fetch.update import ChildValidator
from resolver.fetch.validation import ValidationRequest
from tests.live.waiting import wait_for

pytestmark = pytest.mark.processes


def _run(test: Callable[[ChildValidator], Awaitable[None]]) -> None:
    async def until_end() -> None:
        validator = ChildValidator()
        try:
            await test(validator)
        finally:
            await validator.end()

    asyncio.run(until_end())


def _children() -> list[str]:
    return Path("/proc/thread-self/children").read_text().split()


@pytest.fixture
def good(tmp_path: Path) -> ValidationRequest:
    file = tmp_path / "good"
    file.write_text("one.example\ntwo.example\n")
    return ValidationRequest(str(file), "plain")


def test_one_process_validates_all_lists_and_then_ends(good: ValidationRequest) -> None:
    before = _children()

    async def twice(validator: ChildValidator) -> None:
        assert _children() == before, "it starts when it is needed"
        results = await asyncio.gather(*(validator.validate(good) for _ in range(3)))
        assert [result.entries for result in results] == [2, 2, 2]
        assert len(_children()) == len(before) + 1

    _run(twice)
    assert _children() == before


def test_a_list_on_which_the_validation_dies_is_refused_and_no_other(
    good: ValidationRequest, tmp_path: Path
) -> None:
    async def dying(validator: ChildValidator) -> None:
        await validator.validate(good)
        lost = ValidationRequest(str(tmp_path / "lost"), "plain")
        with pytest.raises(FetchError, match="refused: its validation ended with exit code 1"):
            await validator.validate(lost)
        assert (await validator.validate(good)).entries == 2

    _run(dying)


def test_a_validation_that_is_cancelled_dies(tmp_path: Path) -> None:
    endless = tmp_path / "endless"
    os.mkfifo(endless)

    async def cancelled(validator: ChildValidator) -> None:
        request = ValidationRequest(str(endless), "plain")
        validating = asyncio.create_task(validator.validate(request))
        writing = await asyncio.to_thread(os.open, endless, os.O_WRONLY)  # once it is read
        validating.cancel()
        with pytest.raises(asyncio.CancelledError):
            await validating

        def is_read_no_more() -> bool:
            try:
                return not os.write(writing, b"\n")
            except BrokenPipeError:
                return True

        await asyncio.to_thread(wait_for, is_read_no_more, "the process is dead")
        os.close(writing)

    _run(cancelled)
