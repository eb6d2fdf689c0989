"""A gravity.db that somebody else made: it is refused, and nothing waits or runs."""

import contextlib
import sqlite3
from pathlib import Path

import pytest

from darban_import.old_setup import OldSetupError
from darban_import.pihole import read_gravity
from resolver import DarbanError
from tests.darban_import.gravity import PiHole

ENDLESS = """
    DROP TABLE adlist;
    CREATE VIEW adlist AS WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n)
        SELECT id, 'https://lists.example' AS address, 1 AS enabled FROM n WHERE id < 0
"""
COMPUTED = """
    DROP TABLE client;
    CREATE TABLE client (id INTEGER, ip TEXT GENERATED ALWAYS AS (hex(zeroblob(100000))) VIRTUAL)
"""
LONG = "INSERT INTO client (ip) VALUES (hex(zeroblob(3000)))"
MANY = """
    WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n WHERE id < 200000)
    INSERT INTO client_by_group SELECT id, 0 FROM n
"""
SLOW = """
    DROP TABLE domainlist;
    CREATE TABLE domainlist (id INTEGER, type INTEGER, domain TEXT, enabled INTEGER);
    WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n WHERE id < 4000000)
    INSERT INTO domainlist (enabled) SELECT 0 FROM n
"""


def _changed(directory: Path, script: str) -> Path:
    path = directory / "gravity.db"
    PiHole().save(path)
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.executescript(script)
    return path


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (ENDLESS, "it has no table 'adlist'"),
        (COMPUTED, "it has no table 'client'"),
        (LONG, "a text of more than 4096 characters"),
        (MANY, "more than 100000 rows in a table"),
        (SLOW, "interrupted"),
        ("DROP TABLE client_by_group", "it has no table 'client_by_group'"),
        ("DROP TABLE adlist; CREATE VIRTUAL TABLE adlist USING fts5(address)", "table 'adlist'"),
        ("ALTER TABLE client RENAME COLUMN ip TO address", "no such column: ip"),
    ],
)
def test_other_tables_are_refused(tmp_path: Path, script: str, said: str) -> None:
    path = _changed(tmp_path, script)
    with pytest.raises(DarbanError, match=said):
        read_gravity(path.read_bytes(), path)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OldSetupError, match="expected a gravity"):
        read_gravity(b"no database " * 500, tmp_path / "gravity.db")


def test_a_damaged_database_is_refused_or_read(tmp_path: Path) -> None:
    path = tmp_path / "gravity.db"
    PiHole(clients=[(f"10.0.{number}.0/24", [0]) for number in range(200)]).save(path)
    content = path.read_bytes()
    for at in range(100, len(content), 997):
        damaged = content[:at] + bytes([content[at] ^ 0xFF]) + content[at + 1 :]
        with contextlib.suppress(DarbanError):
            read_gravity(damaged, path)


def test_a_database_with_its_newest_content_elsewhere_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "gravity.db"
    PiHole().save(path)
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA journal_mode = WAL")
    with pytest.raises(OldSetupError, match="Copy it first"):
        read_gravity(path.read_bytes(), path)
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.execute(f"VACUUM INTO '{tmp_path}/copy.db'")
    copy = tmp_path / "copy.db"
    assert read_gravity(copy.read_bytes(), copy).clients == []
