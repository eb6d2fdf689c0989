"""A checkout in a directory that others may not enter, for commands with another user's rights."""

import os
import stat
from multiprocessing import get_context
from pathlib import Path

import pytest

from tests.live.open_directory import open_to_all
from tests.live.programs import lacking


def _read_as_another_user(place: Path) -> None:
    open_to_all(place)
    os.setresuid(54321, 54321, 54321)
    assert (place / "file").read_text() == "read"


@pytest.mark.processes
def test_every_user_may_enter_it_in_that_process_alone(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        lacking("needs root: it mounts")
    closed = tmp_path / "closed"
    place = closed / "between" / "place"
    place.mkdir(parents=True)
    (place / "file").write_text("read")
    (place / "file").chmod(0o644)
    place.chmod(0o755)
    closed.chmod(0o700)
    reading = get_context("spawn").Process(target=_read_as_another_user, args=[place])
    reading.start()
    reading.join(60)
    assert reading.exitcode == 0
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700
