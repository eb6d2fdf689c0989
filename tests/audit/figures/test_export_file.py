"""The file of a node's figures: read as it was written, and harmless whoever has made it."""

import os
import sqlite3
import stat
import struct
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from resolver.audit.figures import export_file
from resolver.audit.figures.counts import Figures, HourCount, HourLink, Minute, SelfTestResult
from resolver.audit.figures.export_file import read_export, write_export
from resolver.audit.figures.store import read
from resolver.audit.figures.tables import FiguresError, copied
from tests.audit.figures import synthetic
from tests.audit.figures.synthetic import ABAN, DAY
from tests.live.irregular_files import irregular_files

MINUTE = Minute(ABAN, "p", serving=True, tested=SelfTestResult.HELD)
PAGE, SECTOR, MAGIC = 4096, 512, bytes.fromhex("d9d505f920a163d7")


def _export(path: Path, vlan: str = "staff", outcome: str = "blocked") -> Figures:
    counts = (HourCount(ABAN, vlan, "telegram", outcome, 5),)
    figures = Figures("ns2", "Asia/Tehran", counts, (MINUTE,), ())
    write_export(path, figures)
    return figures


def test_an_export_is_read_as_it_was_written(tmp_path: Path) -> None:
    directory, path = tmp_path / "figures", tmp_path / "ns2.sqlite"
    synthetic.write_month(directory, node=1, days=3)
    figures = read(directory, ABAN, ABAN + 2 * DAY)
    damaged = ("2026-10.damaged-1: set aside", "2026-10.sqlite: gone")
    figures = replace(figures, damaged=damaged, links=(HourLink(ABAN, 60, 7),))
    write_export(path, figures)
    assert read_export(path) == figures
    assert sorted(path.name for path in tmp_path.iterdir()) == ["figures", "ns2.sqlite"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE VIEW more AS SELECT * FROM counts",
        "DROP TABLE minutes",
        "UPDATE counts SET service = 999",
        "UPDATE minutes SET tested = 999",
        "INSERT INTO about VALUES ('link 0', '1')",
    ],
)
def test_a_file_that_is_no_export_is_refused(tmp_path: Path, statement: str) -> None:
    path = tmp_path / "ns1.sqlite"
    write_export(path, Figures("ns1", "Asia/Tehran", (), (MINUTE,), ()))
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("INSERT INTO counts VALUES (1, 1, 1, 1, 1)")
        database.execute(statement)
    with pytest.raises(FiguresError, match=r"^ns1\.sqlite: "):
        read_export(path)


def _hot_journal(path: Path, super_journal: Path) -> None:
    """A journal that a killed writer might have left: it names a file for SQLite to remove.

    https://sqlite.org/fileformat.html#the_rollback_journal
    """
    content = path.read_bytes()
    page, nonce = content[:PAGE], 7
    checksum = (nonce + sum(page[at] for at in range(PAGE - 200, 0, -200))) & 0xFFFFFFFF
    name = os.fsencode(super_journal)
    header = MAGIC + struct.pack(">5I", 1, nonce, len(content) // PAGE, SECTOR, PAGE)
    record = struct.pack(">I", 1) + page + struct.pack(">I", checksum)
    end = struct.pack(">I", (1 << 30) // PAGE + 1) + name + struct.pack(">2I", len(name), sum(name))
    path.with_name(f"{path.name}-journal").write_bytes(
        header.ljust(SECTOR, b"\0") + record + end + MAGIC
    )


def test_what_lies_beside_an_export_is_left_alone(tmp_path: Path) -> None:
    path, victim = tmp_path / "ns2.figures", tmp_path / "victim"
    figures = _export(path)
    victim.write_bytes(b"root:x:0:0")
    _hot_journal(path, victim)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    assert read_export(path) == figures
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_journal_in_the_state_directory_has_no_other_file_removed(tmp_path: Path) -> None:
    path, victim = tmp_path / "2026-10.sqlite", tmp_path / "victim"
    _export(path)
    victim.write_bytes(b"root:x:0:0")
    _hot_journal(path, victim)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(FiguresError, match="it names another file"), copied(path):
        pass
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE counts SET queries = -60",
        "INSERT INTO about VALUES ('link 0', '1 -1')",
        "INSERT INTO about VALUES ('link 0', '-1 1')",
    ],
)
def test_a_count_that_takes_from_those_of_others_is_refused(tmp_path: Path, statement: str) -> None:
    path = tmp_path / "ns2.figures"
    _export(path)
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(statement)
    with pytest.raises(FiguresError, match=r"ns2\.figures: a count is less than 0"):
        read_export(path)


@irregular_files
def test_an_export_is_a_regular_file_of_limited_size(
    tmp_path: Path, put: Callable[[Path], None], why: str
) -> None:
    put(tmp_path / "ns2.figures")
    why = "it is a link" if why == "no regular file" else why.format(64)
    with pytest.raises(FiguresError, match=rf"ns2\.figures: cannot be read \({why}\)"):
        read_export(tmp_path / "ns2.figures")


def test_no_export_is_written_that_is_too_large_to_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export_file, "_MAX_EXPORT", PAGE)
    with pytest.raises(FiguresError, match="ask for fewer days"):
        _export(tmp_path / "ns2.figures")
    assert list(tmp_path.iterdir()) == []


def test_an_outcome_that_is_not_known_is_said(tmp_path: Path) -> None:
    _export(tmp_path / "ns2.figures", outcome="nonsense")
    with pytest.raises(FiguresError, match="the outcome 'nonsense' is none of blocked, dropped"):
        read_export(tmp_path / "ns2.figures")


def test_a_long_name_is_refused(tmp_path: Path) -> None:
    _export(tmp_path / "ns2.figures", vlan="x" * 255)
    read_export(tmp_path / "ns2.figures")
    _export(tmp_path / "ns2.figures", vlan="x" * 256)
    with pytest.raises(FiguresError, match="a name of more than 255 characters"):
        read_export(tmp_path / "ns2.figures")
