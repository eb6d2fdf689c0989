"""Gravity databases of Pi-hole, and a slow, obvious reading of their rules."""

import contextlib
import re
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from pathlib import Path

_ROW = "id INTEGER PRIMARY KEY AUTOINCREMENT"
_ENABLED = "enabled BOOLEAN NOT NULL DEFAULT 1"
_DATES = (
    "date_added INTEGER NOT NULL DEFAULT (cast(strftime('%s', 'now') as int)), "
    "date_modified INTEGER NOT NULL DEFAULT (cast(strftime('%s', 'now') as int))"
)
_NEW_COLUMNS = ", abp_entries INTEGER NOT NULL DEFAULT 0, type INTEGER NOT NULL DEFAULT 0"
"""Of adlist, in Pi-hole 6."""


def _tables(release: int) -> str:
    """The tables of Pi-hole 5 or 6, by their columns."""
    of_lists = _NEW_COLUMNS if release == 6 else ""
    return f"""
        CREATE TABLE "group" ({_ROW}, {_ENABLED}, name TEXT UNIQUE NOT NULL, {_DATES},
            description TEXT);
        INSERT INTO "group" (id, enabled, name) VALUES (0, 1, 'Default');
        CREATE TABLE domainlist ({_ROW}, type INTEGER NOT NULL DEFAULT 0, domain TEXT NOT NULL,
            {_ENABLED}, {_DATES}, comment TEXT, UNIQUE(domain, type));
        CREATE TABLE adlist ({_ROW}, address TEXT UNIQUE NOT NULL, {_ENABLED}, {_DATES},
            comment TEXT, date_updated INTEGER, number INTEGER NOT NULL DEFAULT 0,
            invalid_domains INTEGER NOT NULL DEFAULT 0, status INTEGER NOT NULL DEFAULT 0
            {of_lists});
        CREATE TABLE client ({_ROW}, ip TEXT NOT NULL UNIQUE, {_DATES}, comment TEXT);
        CREATE TABLE gravity (domain TEXT NOT NULL, adlist_id INTEGER NOT NULL);
        CREATE TABLE info (property TEXT PRIMARY KEY, value TEXT NOT NULL);
        {
        "".join(
            f'''
        CREATE TABLE {text}_by_group ({text}_id INTEGER NOT NULL, group_id INTEGER NOT NULL,
            PRIMARY KEY ({text}_id, group_id));'''
            for text in ("adlist", "domainlist", "client")
        )
    }
    """


@dataclass
class PiHole:
    """What a Pi-hole is told; group 0 is there from the beginning."""

    groups: dict[int, tuple[str, bool]] = field(default_factory=dict)
    """Name, and whether it is enabled."""
    domains: list[tuple[int, str, Sequence[int]]] = field(default_factory=list)
    """Type, domain or regex, and groups."""
    lists: list[tuple[str, Sequence[int]]] = field(default_factory=list)
    clients: list[tuple[str, Sequence[int]]] = field(default_factory=list)

    def save(self, path: Path, release: int = 6) -> None:
        with contextlib.closing(sqlite3.connect(path)) as database:
            database.executescript(_tables(release))
            for key, (name, enabled) in self.groups.items():
                database.execute(
                    'INSERT OR REPLACE INTO "group" (id, name, enabled) VALUES (?, ?, ?)',
                    (key, name, enabled),
                )
            for kind, domain, groups in self.domains:
                row = database.execute(
                    "INSERT INTO domainlist (type, domain) VALUES (?, ?)", (kind, domain)
                )
                _link(database, "domainlist", row.lastrowid, groups)
            for table, column, rows in (
                ("adlist", "address", self.lists),
                ("client", "ip", self.clients),
            ):
                for text, groups in rows:
                    row = database.execute(f"INSERT INTO {table} ({column}) VALUES (?)", (text,))
                    _link(database, table, row.lastrowid, groups)
            database.commit()

    def blocks(self, client: str, name: str, of_lists: Mapping[str, Iterable[str]]) -> bool:
        """Whether a client is denied a name; ``of_lists`` are the names of each list."""
        groups = {group for group in self._groups(client) if self._is_enabled(group)}
        mine = [(kind, text) for kind, text, of in self.domains if groups & set(of)]
        lists = [address for address, of in self.lists if groups & set(of)]
        if any(kind == 0 and text == name for kind, text in mine):
            return False
        if any(kind == 2 and re.search(text, name, re.IGNORECASE) for kind, text in mine):
            return False
        return (
            any(kind == 1 and text == name for kind, text in mine)
            or any(name in of_lists[address] for address in lists)
            or any(kind == 3 and re.search(text, name, re.IGNORECASE) for kind, text in mine)
        )

    def _is_enabled(self, group: int) -> bool:
        return self.groups.get(group, ("Default", group == 0))[1]

    def _groups(self, client: str) -> Sequence[int]:
        best: int = -1
        found: tuple[int, ...] = (0,)
        for text, groups in self.clients:
            with contextlib.suppress(ValueError):
                network = ip_network(text, strict=False)
                if ip_address(client) in network and network.prefixlen > best:
                    best, found = network.prefixlen, tuple(groups)
        return found


def _link(database: sqlite3.Connection, what: str, key: int | None, groups: Iterable[int]) -> None:
    database.executemany(
        f"INSERT INTO {what}_by_group VALUES (?, ?)", ((key, group) for group in groups)
    )
