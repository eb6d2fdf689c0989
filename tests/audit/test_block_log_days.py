"""Which days the block log holds, by its files."""

import datetime as dt
import os
from pathlib import Path

import pytest

from resolver.audit.block_log_file import NAME, block_log_days
from resolver.audit.block_log_retention import BlockLogDays

NOON = dt.datetime(2026, 11, 29, 12, tzinfo=dt.UTC)


def _day(number: int) -> str:
    return f"2026-11-{number:02}"


@pytest.fixture
def state(tmp_path: Path) -> Path:
    (tmp_path / "blocks-notes.jsonl").write_text("{}\n")
    (tmp_path / "lists").mkdir()
    return tmp_path


def _write(state: Path, *days: int) -> None:
    for day in days:
        (state / f"blocks-{_day(day)}-000.jsonl").write_text("{}\n")
        (state / f"blocks-{_day(day)}-001.jsonl").write_text("{}\n")


def _write_today(state: Path, content: str = "{}\n") -> None:
    (state / NAME).write_text(content)
    os.utime(state / NAME, (NOON.timestamp(), NOON.timestamp()))


def test_no_block_log(state: Path) -> None:
    assert block_log_days(state) is None
    assert block_log_days(state / "missing") is None
    _write_today(state, "")
    assert block_log_days(state) is None


def test_the_first_day(state: Path) -> None:
    _write_today(state)
    assert block_log_days(state) == BlockLogDays(_day(29), _day(29), ())


def test_days_without_a_file_are_gaps(state: Path) -> None:
    _write(state, 20, 21, 24, 28)
    _write_today(state)
    gaps = tuple(map(_day, (22, 23, 25, 26, 27)))
    assert block_log_days(state) == BlockLogDays(_day(20), _day(29), gaps)


def test_a_log_that_was_switched_off(state: Path) -> None:
    _write(state, 3, 4)
    assert block_log_days(state) == BlockLogDays(_day(3), _day(4), ())
