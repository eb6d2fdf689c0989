"""The hash of the figures of a time: of what they say, and not of how their files have it."""

import datetime as dt
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from resolver.audit.figures.counts import HourFigures, Labels, Minute, SelfTestResult
from resolver.audit.figures.seal import KeptFigures
from resolver.audit.figures.store import NAME, FigureStore
from resolver.audit.figures.tables import copied, to_read

DAY = 86400
MINUTE = Minute(2 * DAY, "darban-1:ab", True, SelfTestResult.HELD)


def _write(state: Path, *, queries: int) -> None:
    figures = HourFigures(2 * DAY, Counter({Labels("vlan", "pager", "blocked"): queries}), [MINUTE])
    FigureStore(state / NAME, "one").add(figures, "UTC")


def _hash(state: Path, day: int = 2) -> tuple[str, bool]:
    return KeptFigures(state, copied).of(day * DAY, (day + 1) * DAY)[:2]


def _change(state: Path, statement: str) -> int:
    [file] = (state / NAME).glob("*.sqlite")
    with closing(sqlite3.connect(file)) as database, database:
        return database.execute(statement).rowcount


def test_the_same_figures_have_one_hash_in_any_file(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    _write(one, queries=7)
    _write(two, queries=3)
    _write(two, queries=4)
    _change(two, "UPDATE names SET id = id + 100")
    _change(two, "UPDATE counts SET vlan = vlan + 100, service = service + 100")
    _change(two, "UPDATE counts SET outcome = outcome + 100")
    _change(two, "UPDATE minutes SET policy = policy + 100")
    assert _hash(one) == _hash(two)


def test_a_day_has_no_figures_of_others(tmp_path: Path) -> None:
    _write(tmp_path / "one", queries=7)
    assert _hash(tmp_path / "one", 3)[0] == _hash(tmp_path / "none", 3)[0]
    assert _hash(tmp_path / "one", 2)[0] != _hash(tmp_path / "none", 2)[0]


@pytest.mark.parametrize(
    "changed",
    [
        "UPDATE counts SET queries = 6",
        "INSERT INTO about VALUES ('link 172800', '1 0')",
        "UPDATE counts SET hour = hour + 3600",
        "DELETE FROM counts",
        "UPDATE names SET name = 'other' WHERE name = 'pager'",
        "UPDATE minutes SET serving = 0",
        "UPDATE minutes SET tested = 2",
        "UPDATE minutes SET at = at + 60",
        "DELETE FROM minutes",
    ],
)
def test_any_change_has_another_hash(tmp_path: Path, changed: str) -> None:
    _write(tmp_path, queries=7)
    before, _ = _hash(tmp_path)
    assert _change(tmp_path, changed) == 1
    after, is_kept = _hash(tmp_path)
    assert (after != before, is_kept) == (True, True)


def test_figures_older_than_what_is_kept(tmp_path: Path) -> None:
    FigureStore(tmp_path / NAME, "one").add(HourFigures(60 * DAY), "UTC")
    assert not _hash(tmp_path)[1]
    assert _hash(tmp_path, 60)[1]


def test_a_month_that_retention_keeps_is_to_be_there(tmp_path: Path) -> None:
    today = int(dt.datetime.now(dt.UTC).timestamp()) // DAY
    store = FigureStore(tmp_path / NAME, "one")
    for day in (today - 100, today):
        store.add(HourFigures(day * DAY), "UTC")
    next(iter(sorted((tmp_path / NAME).iterdir()))).unlink()
    assert _hash(tmp_path, today - 100)[1]
    assert not _hash(tmp_path, today - 600)[1]


def test_the_first_half_hour_of_a_month_goes_with_the_month_before(tmp_path: Path) -> None:
    """In Tehran a local hour begins before each midnight (UTC), and has its minutes with it."""
    midnight = int(dt.datetime(2020, 11, 1, tzinfo=dt.UTC).timestamp())
    store = FigureStore(tmp_path / NAME, "one")
    for hour in (midnight - 1800, midnight + 1800):
        minutes = [Minute(at, "", True, SelfTestResult.HELD) for at in range(hour, hour + 3600, 60)]
        store.add(HourFigures(hour, minutes=minutes), "Asia/Tehran")
    sealed, is_kept, *_ = KeptFigures(tmp_path, copied).of(midnight, midnight + DAY)
    assert is_kept
    assert store.remove_before("2020-11", 1) == ["2020-10"]
    found, is_kept, *_ = KeptFigures(tmp_path, copied).of(midnight, midnight + DAY)
    assert (found == sealed, is_kept) == (False, False)
    assert KeptFigures(tmp_path, copied).of(midnight + DAY, midnight + 2 * DAY).is_kept


def test_an_hour_is_of_the_figures_that_begin_in_it(tmp_path: Path) -> None:
    """Also where the hours before and after were read at once."""
    _write(tmp_path, queries=7)
    store = FigureStore(tmp_path / NAME, "one")
    store.add(HourFigures(2 * DAY + 3600, Counter({Labels("vlan", "", "passed"): 1})), "UTC")
    kept = KeptFigures(tmp_path, copied)
    hours = [kept.of(2 * DAY + at, 2 * DAY + at + 3600) for at in (0, 3600, 7200)]
    assert len({hours_.hash for hours_ in hours}) == 3
    assert {(hours_.node, hours_.time_zone) for hours_ in hours} == {("one", "UTC")}
    assert _change(tmp_path, f"DELETE FROM counts WHERE hour = {2 * DAY + 3600}") == 1
    now = KeptFigures(tmp_path, copied)
    found = [now.of(2 * DAY + at, 2 * DAY + at + 3600) for at in (0, 3600, 7200)]
    assert [one == other for one, other in zip(hours, found, strict=True)] == [True, False, True]


def test_a_file_that_sqlite_has_just_made_has_no_figures_yet(tmp_path: Path) -> None:
    """The thread that stores a minute makes it; the one that seals may come before the tables."""
    (tmp_path / NAME).mkdir()
    (tmp_path / NAME / "1970-01.sqlite").touch()
    found = KeptFigures(tmp_path, to_read).of(0, DAY)
    assert (found.hash, found.node) == (_hash(tmp_path / "none", 0)[0], "")
