"""The files of the block log: when they are rotated, and which are removed."""

import datetime as dt
import json
import os
import stat
from pathlib import Path

import pytest

from resolver.audit.block_log_file import BlockLogFile
from resolver.audit.block_log_retention import Retention, RotatedFile, next_name, read_name
from resolver.audit.retention_clock import RetentionClock, day_of
from tests.live.small_disk import fill, small_disk

NOON = dt.datetime(2026, 7, 5, 12, tzinfo=dt.UTC).timestamp()
DAY = 86400
SMALL = Retention(days=3, max_bytes=1600)
LINE = json.dumps({"name": "web.telegram.org"}).encode() + b"\n"


class Log:
    """A log in a directory, and a clock."""

    def __init__(self, directory: Path, retention: Retention = SMALL) -> None:
        self.path = directory / "blocks.jsonl"
        self.file = BlockLogFile(self.path, retention, Path("/proc"))
        self.wall = NOON

    def append(self, lines: bytes = LINE) -> None:
        self.file.append(lines, day_of(self.wall))
        os.utime(self.path, (self.wall, self.wall))

    def tidy(self) -> None:
        self.file.tidy(day_of(self.wall))

    @property
    def names(self) -> list[str]:
        return sorted(path.name for path in self.path.parent.iterdir())


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return Log(tmp_path)


def test_lines_are_appended_to_a_file_that_the_group_may_read(log: Log) -> None:
    log.append()
    log.append(LINE * 2)
    assert log.path.read_bytes() == LINE * 3
    assert stat.S_IMODE(log.path.stat().st_mode) == 0o640
    log.file.close()
    log.append()
    assert log.path.read_bytes() == LINE * 4


def test_a_day_has_a_file_of_its_own(log: Log) -> None:
    log.append()
    log.wall += DAY
    log.append(LINE * 2)
    assert log.names == ["blocks-2026-07-05-000.jsonl", "blocks.jsonl"]
    assert log.path.with_name("blocks-2026-07-05-000.jsonl").read_bytes() == LINE
    assert log.path.read_bytes() == LINE * 2


def test_the_file_is_rotated_after_a_day_without_a_line(log: Log) -> None:
    log.append()
    log.wall += DAY
    log.tidy()
    assert log.names == ["blocks-2026-07-05-000.jsonl"]
    log.tidy()
    assert log.names == ["blocks-2026-07-05-000.jsonl"]


def test_a_full_file_is_rotated(log: Log) -> None:
    for _ in range(9):  # 100 octets are a sixteenth: three lines
        log.append()
    assert log.names == [
        "blocks-2026-07-05-000.jsonl",
        "blocks-2026-07-05-001.jsonl",
        "blocks.jsonl",
    ]
    lines = b"".join(log.path.with_name(name).read_bytes() for name in log.names)
    assert lines == LINE * 9


def test_only_old_files_of_the_log_are_removed(log: Log) -> None:
    strangers = [
        "blocks-2020-01-01.jsonl",
        "blocks-2020-13-01-000.jsonl",
        "other-2020-01-01-000.jsonl",
    ]
    for name in strangers:
        log.path.with_name(name).write_bytes(b"")
    for _ in range(6):
        log.append()
        log.wall += DAY
    log.tidy()
    days = [f"blocks-2026-07-{day:02}-000.jsonl" for day in (8, 9, 10)]
    assert log.names == sorted([*days, *strangers])


def _files_of_days(log: Log) -> list[str]:
    """A file of each of three days, written to a log."""
    for _ in range(3):
        log.append()
        log.wall += DAY
    log.append()
    return log.names


@pytest.mark.parametrize("years", [10, -10])
def test_a_clock_that_is_wrong_for_some_seconds_removes_nothing(tmp_path: Path, years: int) -> None:
    log = Log(tmp_path, Retention(days=3, max_bytes=1 << 30))
    names = _files_of_days(log)
    clock, now = RetentionClock(), 0.0

    def play(seconds: int, ahead: float) -> None:
        nonlocal now
        for _ in range(seconds):
            now += 1
            wall = log.wall + now + ahead
            log.file.append(LINE, clock.read(wall, now))
            os.utime(log.path, (wall, wall))
            log.file.tidy(clock.read(wall, now))

    play(700, 0)
    play(8, years * 365 * DAY)
    assert log.names == names
    play(700, 0)
    assert log.names == names


def test_the_day_is_told_after_ten_minutes_without_a_jump() -> None:
    clock = RetentionClock()
    assert clock.read(NOON, 5.0) is None
    assert clock.read(NOON + 599, 604.0) is None
    assert clock.read(NOON + 600, 605.0) == day_of(NOON)
    assert clock.read(NOON + 660 + 10 * DAY, 665.0) is None
    assert clock.read(NOON + 1260 + 10 * DAY, 1265.0) == day_of(NOON + 10 * DAY)


@pytest.mark.processes
def test_it_leaves_room_on_the_disk_of_the_state(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "4m") as disk:
        file = BlockLogFile(disk / "blocks.jsonl", Retention(3, 1 << 30), disk)
        ballast = fill(disk, (1 << 20) + 65536)
        file.append(LINE, None)
        with pytest.raises(OSError, match="the last 1 MiB of this disk are left to"):
            file.append(LINE * 3000, None)
        assert (disk / "blocks.jsonl").read_bytes() == LINE
        ballast.unlink()
        file.append(LINE * 3000, None)
        elsewhere = BlockLogFile(disk / "other.jsonl", Retention(3, 1 << 30), tmp_path)
        fill(disk, 65536)
        elsewhere.append(LINE, None)
        file.close()
        elsewhere.close()


def test_all_files_together_are_no_larger_than_allowed(log: Log) -> None:
    for _ in range(100):
        log.append()
        total = sum(path.stat().st_size for path in log.path.parent.iterdir())
        assert total <= SMALL.max_bytes + SMALL.max_bytes // 16
    kept = [int(name[18:21]) for name in log.names[:-1]]
    assert kept == list(range(kept[0], 24)), "the oldest went first"
    assert len(kept) > 10


def test_a_removed_file_is_created_again(log: Log) -> None:
    log.append()
    log.path.unlink()
    log.append()
    assert log.path.read_bytes() == LINE


def test_a_failed_write_leaves_no_half_line(tmp_path: Path) -> None:
    full = Log(tmp_path)
    full.file.path = Path("/dev/full")
    with pytest.raises(OSError, match="No space left"):
        full.file.append(LINE, day_of(NOON))
    missing = Log(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError):
        missing.append()
    missing.path.parent.mkdir()
    missing.append()
    assert missing.path.read_bytes() == LINE


@pytest.mark.parametrize("written", ["blocks.jsonl", "blocks", "a.b-c.log", ".hidden"])
def test_names_are_read_as_they_are_given(written: str) -> None:
    day = dt.date(2026, 7, 5)
    names: list[str] = []
    for number in range(1002):
        name = next_name(names[-1:], written, day)
        assert read_name(name, written) == RotatedFile(day, number, name)
        names.append(name)
    assert read_name(written, written) is None
    assert read_name(names[0] + "x", written) is None
    assert read_name("x" + names[0], written) is None
