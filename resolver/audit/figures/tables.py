"""The tables of one SQLite file of figures, which its months and its exports share.

What must stay true:
- ``VERSION`` goes up with each change of the tables, and a file of an earlier one is still read.
- A file is read only if its tables are these, and nothing more: a file that somebody brings must
  not have a view that never ends.
"""

import contextlib
import sqlite3
import stat
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from sqlite3 import Connection

from resolver import DarbanError
from resolver.audit.figures.counts import (
    Figures,
    HourCount,
    HourFigures,
    HourLink,
    Labels,
    Minute,
    SelfTestResult,
)
from resolver.system.regular_files import read_regular

VERSION = 1
"""Of the tables; PRAGMA user_version of a file."""
_TABLES = (
    "CREATE TABLE about (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID",
    "CREATE TABLE names (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT",
    "CREATE TABLE counts (hour INTEGER, vlan INTEGER, service INTEGER, outcome INTEGER, "
    "queries INTEGER NOT NULL, PRIMARY KEY (hour, vlan, service, outcome)) STRICT, WITHOUT ROWID",
    "CREATE TABLE minutes (at INTEGER PRIMARY KEY, policy INTEGER NOT NULL, "
    "serving INTEGER NOT NULL, tested INTEGER NOT NULL) STRICT",
)
"""The names of VLANs, services, outcomes and policies are numbers: a row takes some 20 octets."""
_TESTED = (SelfTestResult.HELD, SelfTestResult.UNTESTED, SelfTestResult.FAILED)
"""The number of each: of two in one minute the greater is kept."""
_ADD_COUNT = (
    "INSERT INTO counts VALUES (?, ?, ?, ?, ?) "
    "ON CONFLICT DO UPDATE SET queries = queries + excluded.queries"
)
_ADD_MINUTE = (
    "INSERT INTO minutes VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET policy = excluded.policy, "
    "serving = min(serving, excluded.serving), tested = max(tested, excluded.tested)"
)
_WRONG_ROWS = (
    "SELECT EXISTS (SELECT 1 FROM counts WHERE hour < :since OR hour >= :until OR queries < 0) "
    "OR EXISTS (SELECT 1 FROM minutes WHERE at < :since OR at >= :until + 3600)"
)
_LINK = "link "
"""Begins the key of ``about`` that has the minutes and the answers of an hour's ``HourLink``. There
are few such hours, and 1.0.0, which knows no such table, reads the file all the same."""
_LOCKED = 5.0
"""Seconds to wait for another process that reads or writes the file."""
_BETWEEN = 0.02
"""Seconds between two looks at a file that is written."""
_NAMES_ANOTHER = bytes.fromhex("d9d505f920a163d7")
"""Ends a journal that names one more, of a transaction in several files, which SQLite would open;
this program writes none: https://sqlite.org/fileformat.html#the_rollback_journal"""
_LONGEST = 256 << 20
"""Octets of a file, or of a journal, that is copied."""

Opening = Callable[[Path], AbstractContextManager[Connection]]
"""``to_read`` in the process that writes the files, ``copied`` in any other."""


class FiguresError(DarbanError):
    """A file of figures cannot be read or written now; the message says why."""


class DamagedFiguresError(FiguresError):
    """The content of a file is not what this program writes."""


@contextlib.contextmanager
def opened(path: Path, mode: str) -> Iterator[Connection]:
    """Open a file: ``rwc`` makes one that is missing, ``rw`` and ``ro`` do not.

    ``rw`` also reads where nothing may be written; and, unlike ``ro``, a file whose writer was
    killed. All errors of SQLite, also of the body, become those above.
    """
    _refuse_what_waits(path)
    with _own_errors(path):
        uri = f"{path.absolute().as_uri()}?mode={mode}"
        database = sqlite3.connect(uri, timeout=_LOCKED, isolation_level=None, uri=True)
        with contextlib.closing(database):
            database.execute("PRAGMA trusted_schema = OFF")
            yield database


def to_read(path: Path) -> AbstractContextManager[Connection]:
    """Open a file only to read it, in the process that writes it."""
    return opened(path, "rw")


@contextlib.contextmanager
def in_memory(path: Path, content: bytes = b"") -> Iterator[Connection]:
    """The content of a file, or nothing, as a database that has no file.

    So SQLite opens nothing that lies beside the file, such as a journal that somebody else made.
    ``path`` is for messages; errors are those of ``opened``.
    """
    with _own_errors(path):
        database = sqlite3.connect(":memory:", isolation_level=None)
        with contextlib.closing(database):
            if content:
                database.deserialize(content)
            database.execute("PRAGMA trusted_schema = OFF")
            yield database


@contextlib.contextmanager
def copied(path: Path) -> Iterator[Connection]:
    """A copy of a file in memory, as of its last whole transaction.

    For another process than the one that writes the file: it may belong to somebody else, who may
    put a pipe or a link in the place of the file or its journal at any moment. Where a writer was
    killed, SQLite undoes what it had begun, in a copy of both. Errors are those of ``opened``.
    """
    try:
        journal, content = _settled(path)
    except OSError as error:
        raise FiguresError(f"{path.name}: {error.strerror}") from error
    if not journal:
        with in_memory(path, content) as database:
            yield database
        return
    if journal.endswith(_NAMES_ANOTHER):
        raise DamagedFiguresError(f"{path.name}-journal: it names another file")
    with tempfile.TemporaryDirectory(prefix="darban-") as directory:
        copy = Path(directory) / path.name
        copy.write_bytes(content)
        copy.with_name(f"{path.name}-journal").write_bytes(journal)
        with opened(copy, "rw") as database:
            yield database


def _settled(path: Path) -> tuple[bytes, bytes]:
    """The journal and the file, at rest: what two looks at them have in common."""
    until = time.monotonic() + _LOCKED
    before, now = _look(path), _look(path)
    while now != before:
        if time.monotonic() > until:
            raise FiguresError(f"{path.name}: it changes all the time")
        time.sleep(_BETWEEN)
        before, now = now, _look(path)
    return now


def _look(path: Path) -> tuple[bytes, bytes]:
    """The journal and the file, read in this order: a transaction writes the journal first."""
    journal = b""
    with contextlib.suppress(FileNotFoundError):
        beside = path.with_name(f"{path.name}-journal")
        journal = read_regular(beside, _LONGEST, follow_link=False)
    return journal, read_regular(path, _LONGEST, follow_link=False)


def _refuse_what_waits(path: Path) -> None:
    """Raise where SQLite would open something else than a regular file, and wait for a pipe."""
    for file in (path, *(path.with_name(f"{path.name}-{end}") for end in ("journal", "wal"))):
        with contextlib.suppress(FileNotFoundError):
            if not stat.S_ISREG(file.lstat().st_mode):
                raise FiguresError(f"{file.name}: it is no regular file; remove it")


@contextlib.contextmanager
def _own_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        primary = getattr(error, "sqlite_errorcode", 0) & 0xFF  # what Python raises has none
        is_damage = primary in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
        kind = DamagedFiguresError if is_damage else FiguresError
        raise kind(f"{path.name}: {error}") from error
    except LookupError as error:
        raise DamagedFiguresError(f"{path.name}: a row has no name") from error
    except ValueError as error:
        raise DamagedFiguresError(f"{path.name}: a row has no number ({error})") from error


def check(database: Connection, path: Path) -> None:
    """Raise where the tables are not those of this version, or their content is damaged."""
    check_tables(database, path)
    (result,) = database.execute("PRAGMA quick_check(1)").fetchone()
    if result != "ok":
        found = result.rpartition("\n")[2]  # without the line that names the database
        raise DamagedFiguresError(f"{path.name}: damaged: {found}")


def check_tables(database: Connection, path: Path) -> None:
    """Raise where the tables are not those of this version."""
    (version,) = database.execute("PRAGMA user_version").fetchone()
    if version > VERSION:
        raise DamagedFiguresError(f"{path.name}: written by a later release of Darban")
    rows = database.execute("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL LIMIT 20")
    if {sql for (sql,) in rows} != set(_TABLES):
        raise DamagedFiguresError(f"{path.name}: not a file of figures")


def check_rows(database: Connection, path: Path, since: float, until: float) -> None:
    """Raise where a row is not of the hours of a period, or a count is below 0.

    The last of these hours may have minutes after the period.
    """
    (wrong,) = database.execute(_WRONG_ROWS, {"since": since, "until": until}).fetchone()
    cuts = links(about(database))
    if wrong or any(not since <= cut.hour < until or min(cut.cut, cut.answers) < 0 for cut in cuts):
        raise DamagedFiguresError(f"{path.name}: a row of another month, or a count below 0")


def is_empty(database: Connection) -> bool:
    """Whether a file has no tables yet."""
    return database.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchone() is None


def create(database: Connection) -> None:
    """Make the tables, in the transaction that is open."""
    for table in _TABLES:
        database.execute(table)
    database.execute(f"PRAGMA user_version = {VERSION}")


def note(database: Connection, about: Iterable[tuple[str, str]]) -> None:
    """Write what the file says about its node, in the transaction that is open."""
    database.executemany("INSERT OR REPLACE INTO about VALUES (?, ?)", about)


def about(database: Connection) -> dict[str, str]:
    """What the file says about its node."""
    return dict(database.execute("SELECT key, value FROM about LIMIT 1000"))


def add(database: Connection, figures: HourFigures) -> None:
    """Add the figures of an hour to those that the file has, in the transaction that is open."""
    number = _numbers(database, figures)
    database.executemany(
        _ADD_COUNT,
        (
            (figures.hour, *(number[name] for name in labels), queries)
            for labels, queries in figures.counts.items()
        ),
    )
    database.executemany(
        _ADD_MINUTE,
        (
            (minute.at, number[minute.policy], minute.serving, _TESTED.index(minute.tested))
            for minute in figures.minutes
        ),
    )
    if figures.cut or figures.answers:
        _add_link(database, HourLink(figures.hour, figures.cut, figures.answers))


def _add_link(database: Connection, link: HourLink) -> None:
    """Add what an hour had of the link abroad, in the transaction that is open."""
    known = {link.hour: link for link in links(about(database))}
    before = known.get(link.hour, HourLink(link.hour, 0, 0))
    text = f"{before.cut + link.cut} {before.answers + link.answers}"
    note(database, [(f"{_LINK}{link.hour}", text)])


def links(values: Mapping[str, str]) -> Iterator[HourLink]:
    """The hours of which a file says something about the link abroad."""
    for key, value in values.items():
        if key.startswith(_LINK):
            cut, answers = map(int, value.split())
            yield HourLink(int(key.removeprefix(_LINK)), cut, answers)


def _numbers(database: Connection, figures: HourFigures) -> dict[str, int]:
    """The number of each name, also of those that are new to the file."""
    names = {name for labels in figures.counts for name in labels}
    names.update(minute.policy for minute in figures.minutes)
    add_name = "INSERT INTO names (name) VALUES (?) ON CONFLICT DO NOTHING"
    database.executemany(add_name, ((name,) for name in sorted(names)))
    return {name: number for number, name in database.execute("SELECT id, name FROM names")}


def counts(database: Connection, since: float, until: float) -> Iterator[HourCount]:
    """The counts of the hours that begin in a period; its end is excluded."""
    names = _names(database)
    rows = database.execute(
        "SELECT * FROM counts WHERE hour >= ? AND hour < ? ORDER BY hour", (since, until)
    )
    for hour, vlan, service, outcome, queries in rows:
        yield HourCount(hour, names[vlan], names[service], names[outcome], queries)


def sums(
    database: Connection, since: int, until: int, step: int
) -> Iterator[tuple[int, Labels, int]]:
    """The counts of a period by its steps: the step's place, the labels, the queries."""
    names = _names(database)
    rows = database.execute(
        "SELECT (hour - ?) / ? AS step, vlan, service, outcome, SUM(queries) FROM counts "
        "WHERE hour >= ? AND hour < ? GROUP BY step, vlan, service, outcome",
        (since, step, since, until),
    )
    for place, vlan, service, outcome, queries in rows:
        yield place, Labels(names[vlan], names[service], names[outcome]), queries


def minutes(database: Connection, since: float, until: float) -> Iterator[Minute]:
    """The minutes that begin in a period; its end is excluded."""
    names = _names(database)
    rows = database.execute(
        "SELECT * FROM minutes WHERE at >= ? AND at < ? ORDER BY at", (since, until)
    )
    for at, policy, serving, tested in rows:
        yield Minute(at, names[policy], bool(serving), _TESTED[tested])


def minutes_around(database: Connection, moment: float) -> tuple[int | None, int | None]:
    """The last minute that begins at a moment or before it, and the first one after it."""
    (last,) = database.execute("SELECT max(at) FROM minutes WHERE at <= ?", (moment,)).fetchone()
    (after,) = database.execute("SELECT min(at) FROM minutes WHERE at > ?", (moment,)).fetchone()
    return last, after


def figures(database: Connection, since: float, until: float) -> Figures:
    """All that a file has of the hours and minutes that begin in a period."""
    values = about(database)
    of_hours = (link for link in links(values) if since <= link.hour < until)
    return Figures(
        values.get("node", ""),
        values.get("time_zone", ""),
        tuple(counts(database, since, until)),
        tuple(minutes(database, since, until)),
        tuple(values.get("damaged", "").splitlines()),
        tuple(sorted(of_hours, key=lambda link: link.hour)),
    )


def longest_text(database: Connection) -> int:
    """The characters of the longest name, or of what the file says about its node."""
    (longest,) = database.execute(
        "SELECT max(length(name)) FROM "
        "(SELECT name FROM names UNION ALL SELECT value FROM about WHERE key != 'damaged')"
    ).fetchone()
    return longest or 0


def _names(database: Connection) -> dict[int, str]:
    return dict(database.execute("SELECT id, name FROM names"))
