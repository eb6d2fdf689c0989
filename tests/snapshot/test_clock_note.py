"""The note of the latest moment, by which a clock that is wrong is found."""

from pathlib import Path

import pytest

from resolver.snapshot.clock_note import clock_is_behind, note_time

NOW = 1.8e9
DAY = 86400.0


@pytest.mark.parametrize(
    ("wall", "synchronised", "behind"),
    [
        (NOW - DAY, False, True),
        (NOW - 301, False, True),
        (NOW - 299, False, False),
        (NOW + 7 * DAY, False, False),
        (NOW - DAY, True, False),
        (NOW - DAY, None, False),
    ],
)
def test_a_clock_is_behind_where_nothing_has_set_it(
    tmp_path: Path, wall: float, synchronised: bool | None, behind: bool
) -> None:
    note_time(tmp_path, NOW, synchronised=True)
    assert clock_is_behind(tmp_path, wall, synchronised=synchronised) is behind


def test_only_a_time_server_makes_the_note_an_earlier_one(tmp_path: Path) -> None:
    note_time(tmp_path, NOW + DAY, synchronised=False)
    note_time(tmp_path, NOW, synchronised=False)
    assert clock_is_behind(tmp_path, NOW, synchronised=False)
    note_time(tmp_path, NOW, synchronised=True)
    assert not clock_is_behind(tmp_path, NOW, synchronised=False)


@pytest.mark.parametrize("damage", [b"", b"\xff", b"garbage", b"1" * 100])
def test_a_note_that_cannot_be_read_stops_nothing(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "latest-time").write_bytes(damage)
    assert not clock_is_behind(tmp_path, NOW, synchronised=False)
    note_time(tmp_path, NOW, synchronised=False)
    assert clock_is_behind(tmp_path, NOW - DAY, synchronised=False)


def test_a_directory_that_is_gone_stops_nothing(tmp_path: Path) -> None:
    note_time(tmp_path / "gone", NOW, synchronised=True)
    assert not clock_is_behind(tmp_path / "gone", NOW, synchronised=False)
