"""Figures on disk: added up, read again, damaged, exported."""

import math
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from resolver.audit.figures.counts import (
    Figures,
    HourFigures,
    HourLink,
    Labels,
    Minute,
    SelfTestResult,
)
from resolver.audit.figures.store import FigureStore, gap_at, month_of, read, sums, unreadable
from resolver.audit.figures.tables import Opening, copied, to_read
from tests.audit.figures import synthetic
from tests.audit.figures.stored_minutes import STAFF, ZONE, figures, minute
from tests.audit.figures.synthetic import ABAN, AZAR, DAY, HOUR


def totals(found: Figures) -> Counter[Labels]:
    counted: Counter[Labels] = Counter()
    for count in found.counts:
        counted[Labels(count.vlan, count.service, count.outcome)] += count.queries
    return counted


@pytest.fixture
def store(tmp_path: Path) -> FigureStore:
    return FigureStore(tmp_path / "figures", "ns1.example")


@pytest.fixture(scope="module")
def written_month(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the figures of a month, which no test may change."""
    directory = tmp_path_factory.mktemp("month")
    synthetic.write_month(directory)
    return directory


def test_what_was_added_is_read(store: FigureStore) -> None:
    store.add(figures(ABAN, 3, minute(ABAN)), ZONE)
    store.add(figures(ABAN, 4, minute(ABAN + 60)), ZONE)
    found = read(store.directory, ABAN, AZAR)
    assert (found.node, found.time_zone, found.damaged) == ("ns1.example", ZONE, ())
    assert [(count.hour, count.queries) for count in found.counts] == [(ABAN, 7)]
    assert found.minutes == (minute(ABAN), minute(ABAN + 60))


def test_a_minute_that_comes_twice_is_added_up_and_keeps_what_was_worse(
    store: FigureStore,
) -> None:
    bad = Minute(ABAN, "q", serving=False, tested=SelfTestResult.FAILED)
    store.add(figures(ABAN, 3, bad), ZONE)
    store.add(figures(ABAN, 4, minute(ABAN)), ZONE)
    found = read(store.directory, ABAN, AZAR)
    assert totals(found) == {STAFF: 7}
    assert found.minutes == (replace(bad, policy="p"),)


def test_hours_in_which_the_link_abroad_was_cut_are_added_up(store: FigureStore) -> None:
    store.add(HourFigures(ABAN, cut=1, answers=5), ZONE)
    store.add(HourFigures(ABAN, cut=1), ZONE)
    store.add(HourFigures(ABAN + HOUR, answers=2), ZONE)
    store.add(figures(ABAN + 2 * HOUR, 1), ZONE)
    found = read(store.directory, ABAN, AZAR)
    assert found.links == (HourLink(ABAN, 2, 5), HourLink(ABAN + HOUR, 0, 2))
    assert read(store.directory, ABAN + HOUR, AZAR).links == found.links[1:]


def test_a_damaged_hour_of_the_link_is_said(store: FigureStore) -> None:
    store.add(HourFigures(ABAN, cut=1), ZONE)
    [path] = store.directory.glob("*.sqlite")
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("UPDATE about SET value = 'x' WHERE key LIKE 'link %'")
    assert read(store.directory, ABAN, AZAR).damaged


def test_a_period_has_the_hours_that_begin_in_it(store: FigureStore) -> None:
    for hour in range(ABAN - HOUR, ABAN + 3 * HOUR, HOUR):
        store.add(figures(hour, 1, minute(hour)), ZONE)
    found = read(store.directory, ABAN, ABAN + 2 * HOUR)
    assert [count.hour for count in found.counts] == [ABAN, ABAN + HOUR]
    assert [item.at for item in found.minutes] == [ABAN, ABAN + HOUR]


def test_an_hour_over_the_end_of_a_month_is_in_one_file(store: FigureStore) -> None:
    hour = 1_793_487_600 + HOUR // 2  # 2026-10-31 23:30 UTC, 03:00 in Tehran
    store.add(figures(hour, 1, minute(hour), minute(hour + HOUR - 60)), ZONE)
    assert [path.name for path in store.directory.iterdir()] == ["2026-10.sqlite"]
    found = read(store.directory, hour + HOUR - 60, hour + HOUR)
    assert [item.at for item in found.minutes] == [hour + HOUR - 60]


def test_nothing_is_read_where_nothing_is(tmp_path: Path) -> None:
    assert read(tmp_path / "figures", ABAN, AZAR) == Figures("", "", (), (), ())


@pytest.mark.parametrize("content", [b"no database", b"SQLite format 3\0" + bytes(4096)])
def test_a_damaged_file_is_set_aside_and_said(store: FigureStore, content: bytes) -> None:
    store.directory.mkdir()
    (store.directory / "2026-10.sqlite").write_bytes(content)
    said = store.add(figures(ABAN, 3, minute(ABAN)), ZONE)
    assert said.startswith("2026-10.sqlite: ")
    assert said.endswith("the file is kept as 2026-10.damaged-1")
    found = read(store.directory, ABAN, AZAR)
    assert totals(found) == {STAFF: 3}
    assert found.damaged == ("2026-10.damaged-1: set aside",)
    assert (store.directory / "2026-10.damaged-1").read_bytes() == content


def test_a_page_that_was_overwritten_is_found_when_a_server_starts(
    written_month: Path, tmp_path: Path
) -> None:
    directory = shutil.copytree(written_month, tmp_path / "figures")
    path = directory / "2026-10.sqlite"
    with path.open("r+b") as file:
        file.seek(40 * 4096)
        file.write(b"\xff" * 4096)
    said = FigureStore(directory, "ns1").add(figures(ABAN, 3), ZONE)
    assert said.startswith("2026-10.sqlite: ")
    assert totals(read(directory, ABAN, ABAN + HOUR)) == {STAFF: 3}


@pytest.mark.parametrize("opening", [copied, to_read])
def test_zeros_anywhere_are_damage(store: FigureStore, opening: Opening) -> None:
    """SQLite reads some such pages as rows without values, or as if nothing was there."""
    for of_hour in synthetic.month(days=1, vlans=synthetic.VLANS[:3]):
        of_hour.cut = 1
        store.add(of_hour, ZONE)
    [path] = store.directory.glob("*.sqlite")
    content = path.read_bytes()
    assert len(content) > 10 * 4096
    for begin in (*range(0, len(content), 4096), *range(904, len(content) - 4000, 4096)):
        path.write_bytes(content[:begin] + bytes(4000) + content[begin + 4000 :])
        [damaged] = read(store.directory, ABAN, AZAR, opening=opening).damaged
        assert damaged.startswith("2026-10.sqlite: "), begin
        assert "\n" not in damaged
        [(month, _)] = unreadable(store.directory, opening)
        assert month == "2026-10"
        assert gap_at(store.directory, ABAN, opening) is None
        assert [*sums(store.directory, ABAN, AZAR, HOUR)] == []


@pytest.mark.parametrize(
    "statement",
    [
        f"INSERT INTO counts SELECT {AZAR + 10 * DAY}, vlan, service, outcome, 9 FROM counts",
        f"UPDATE counts SET hour = {ABAN - 40 * DAY}",
        "UPDATE counts SET queries = -1",
        f"INSERT INTO minutes SELECT {AZAR + 10 * DAY}, policy, 1, 0 FROM minutes",
        f"INSERT INTO minutes SELECT {ABAN - 40 * DAY}, policy, 1, 0 FROM minutes",
        f"INSERT INTO about VALUES ('link {AZAR + 10 * DAY}', '60 7')",
        f"INSERT INTO about VALUES ('link {ABAN}', '-60 7')",
        f"INSERT INTO about VALUES ('link {ABAN}', '60 -7')",
    ],
)
@pytest.mark.parametrize("opening", [copied, to_read])
def test_rows_of_another_month_and_negative_counts_are_damage(
    store: FigureStore, statement: str, opening: Opening
) -> None:
    store.add(figures(ABAN, 3, minute(ABAN)), ZONE)
    [path] = store.directory.glob("*.sqlite")
    with closing(sqlite3.connect(path)) as database, database:
        assert database.execute(statement).rowcount
    found = read(store.directory, ABAN - 41 * DAY, AZAR + 11 * DAY, opening=opening)
    why = f"{path.name}: a row of another month, or a count below 0"
    assert (found.counts, found.minutes, found.links) == ((), (), ())
    assert found.damaged == (why,)
    assert [*sums(store.directory, ABAN, AZAR, HOUR)] == []
    restarted = FigureStore(store.directory, "ns1.example")
    assert restarted.add(figures(ABAN, 4), ZONE).startswith(why)


def test_the_first_minutes_of_a_month_are_with_their_hour(store: FigureStore) -> None:
    december = 1_796_083_200  # 1 December 2026, half past three in Tehran
    hour = december - HOUR // 2
    of_hour = [minute(december + at) for at in (-60, 0, 29 * 60)]
    store.add(figures(hour, 3, *of_hour), ZONE)
    assert [path.stem for path in store.directory.iterdir()] == ["2026-11"]
    found = read(store.directory, hour, december + DAY)
    assert (found.minutes, found.damaged) == (tuple(of_hour), ())


def test_of_many_damaged_files_three_are_kept(store: FigureStore) -> None:
    store.directory.mkdir()
    for number in range(5):
        (store.directory / "2026-10.sqlite").write_bytes(b"damaged %d" % number)
        store.add(figures(ABAN, 1), ZONE)
    kept = sorted(store.directory.glob("*.damaged-*"))
    assert [path.read_bytes()[-1:] for path in kept] == [b"0", b"1", b"4"]


def test_a_file_of_a_later_release_is_neither_read_nor_written(store: FigureStore) -> None:
    store.add(figures(ABAN, 3), ZONE)
    path = store.directory / "2026-10.sqlite"
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA user_version = 99")
    later = path.read_bytes()
    (said,) = read(store.directory, ABAN, AZAR).damaged
    assert said == "2026-10.sqlite: written by a later release of Darban"
    store.add(figures(ABAN, 4), ZONE)
    assert (store.directory / "2026-10.damaged-1").read_bytes() == later
    assert totals(read(store.directory, ABAN, AZAR)) == {STAFF: 4}


def test_a_file_that_is_put_back_is_counted_on_from(store: FigureStore) -> None:
    store.add(figures(ABAN, 3, minute(ABAN)), ZONE)
    path = store.directory / "2026-10.sqlite"
    backup = path.read_bytes()
    store.add(figures(ABAN, 4, minute(ABAN + 60)), ZONE)
    path.unlink()
    path.write_bytes(backup)
    assert store.add(figures(ABAN, 5, minute(ABAN + 120)), ZONE) == ""
    assert totals(read(store.directory, ABAN, AZAR)) == {STAFF: 8}


_WRITING = """
import sys
from collections import Counter
from pathlib import Path
from resolver.audit.figures.store import FigureStore
from tests.audit.figures.stored_minutes import ZONE, figures, minute
from tests.audit.figures.synthetic import ABAN
store = FigureStore(Path(sys.argv[1]), "ns1.example")
for at in range(ABAN, ABAN + 200 * 60, 60):
    store.add(figures(ABAN, 1, minute(at)), ZONE)
"""
_KILLED = """
import os, signal, sys
from pathlib import Path
from resolver.audit.figures import tables
from tests.audit.figures import synthetic
with tables.opened(Path(sys.argv[1]), "rw") as database:
    database.execute("PRAGMA cache_size = 1")  # so that it writes before the end
    database.execute("BEGIN IMMEDIATE")
    for figures in synthetic.month(days=1):
        tables.add(database, figures)
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.processes
def test_a_kill_in_the_middle_of_a_minute_leaves_all_or_nothing_of_it(store: FigureStore) -> None:
    store.add(figures(ABAN, 3, minute(ABAN)), ZONE)
    path = store.directory / "2026-10.sqlite"
    size = path.stat().st_size
    killed = subprocess.run([sys.executable, "-c", _KILLED, path], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert path.with_name("2026-10.sqlite-journal").exists()
    assert path.stat().st_size > size
    before = path.read_bytes()
    assert totals(read(store.directory, ABAN, AZAR, opening=copied)) == {STAFF: 3}
    assert path.read_bytes() == before, "a copy changes nothing"
    assert totals(read(store.directory, ABAN, AZAR)) == {STAFF: 3}
    assert store.add(figures(ABAN, 4), ZONE) == ""
    assert totals(read(store.directory, ABAN, AZAR)) == {STAFF: 7}


def test_old_months_are_removed_and_the_newest_stay(store: FigureStore) -> None:
    for number in range(6):
        store.add(figures(ABAN + number * 31 * DAY, 1), ZONE)
    (store.directory / "2026-10.damaged-1").touch()
    (store.directory / "notes.txt").touch()
    assert store.remove_before("2026-12", keep=5) == ["2026-10"]
    assert store.remove_before("2036-12", keep=5) == []
    kept = sorted(path.name for path in store.directory.iterdir())
    assert kept[0] == "2026-11.sqlite"
    assert kept[-1] == "notes.txt"
    assert len(kept) == 6


def test_a_gap_is_between_recorded_minutes(store: FigureStore) -> None:
    end = AZAR - 10 * DAY
    assert gap_at(store.directory, ABAN, copied) is None
    for at in (ABAN, ABAN + 60, end):
        store.add(figures(at, 1, minute(at)), ZONE)
    for moment in (ABAN - 1, ABAN, ABAN + 119, ABAN + 179, end, end + 119):
        assert gap_at(store.directory, moment, copied) is None, moment
    for moment in (ABAN + 180, end - 1):
        assert gap_at(store.directory, moment, copied) == (ABAN + 120, end)
    assert gap_at(store.directory, end + 120, copied) == (end + 60, math.inf)
    (store.directory / "2026-10.sqlite").write_bytes(b"damaged")
    assert gap_at(store.directory, ABAN + 180, copied) is None


@pytest.mark.parametrize("beside", ["", "-journal", "-wal"])
@pytest.mark.parametrize("opening", [to_read, copied])
def test_a_pipe_keeps_no_reader_waiting(store: FigureStore, opening: Opening, beside: str) -> None:
    store.add(figures(ABAN, 3), ZONE)
    path = store.directory / f"2026-10.sqlite{beside}"
    path.unlink(missing_ok=True)
    os.mkfifo(path)
    found = read(store.directory, ABAN, AZAR, opening=opening)
    if opening is to_read:
        assert found.damaged == (f"{path.name}: it is no regular file; remove it",)
    elif beside == "-wal":
        assert totals(found) == {STAFF: 3}, "no copy has such a file"
    else:
        assert found.damaged == ("2026-10.sqlite: a named pipe",)


def test_a_copy_follows_no_link(store: FigureStore, tmp_path: Path) -> None:
    store.add(figures(ABAN, 3), ZONE)
    path = store.directory / "2026-10.sqlite"
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    found = read(store.directory, ABAN, AZAR, opening=copied)
    assert (found.counts, found.damaged) == ((), ("2026-10.sqlite: it is a link",))


@pytest.mark.processes
def test_a_copy_is_of_whole_transactions_while_a_server_writes(store: FigureStore) -> None:
    store.add(figures(ABAN, 3), ZONE)
    writer = subprocess.Popen([sys.executable, "-c", _WRITING, store.directory])
    try:
        counted, minutes = 3, 0
        while minutes < 200:
            found = read(store.directory, ABAN, AZAR, opening=copied)
            assert found.damaged == ()
            minutes = len(found.minutes)
            assert totals(found)[STAFF] == 3 + minutes >= counted
            counted = totals(found)[STAFF]
            assert writer.poll() in (None, 0)
    finally:
        writer.kill()
        writer.wait()


def test_a_month_of_twenty_vlans_and_forty_services_takes_less_than_20_megabytes(
    written_month: Path,
) -> None:
    size = sum(path.stat().st_size for path in written_month.iterdir())
    assert size < 20_000_000
    found = read(written_month, ABAN, AZAR)
    assert len(found.counts) == 30 * 24 * 20 * 42
    assert len(found.minutes) == 30 * 24 * 60


def test_months_are_named_by_utc() -> None:
    assert month_of(ABAN) == "2026-10"
    assert month_of(1_793_491_199) == "2026-10"
    assert month_of(1_793_491_200) == "2026-11"
