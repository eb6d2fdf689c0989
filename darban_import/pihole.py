"""Read a gravity.db of Pi-hole 5 or 6: lists, domains, groups and clients.

Pi-hole finds the listed client of an address by the longest prefix; a client that is not listed is
in the group 0, "Default". All enabled groups of a client count together. An allowed domain wins
over a denied one, whether exact or regex.
"""

import re
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from sqlite3 import SQLITE_LIMIT_LENGTH, Connection
from typing import Any, Final

from darban_import.old_setup import (
    OldClients,
    OldPolicy,
    OldSetup,
    OldSetupError,
    denied,
    guessed_format,
    label,
    prefix,
    rule,
    unique,
)
from resolver.config.values import Network
from resolver.system.english import count_text

_TABLES: Final = (
    *("adlist", "domainlist", "group", "client"),
    *("adlist_by_group", "domainlist_by_group", "client_by_group"),
)
_MOST_ROWS = 100_000
_LONGEST_TEXT = 4096
_MOST_STEPS = 10_000_000
"""Of SQLite's virtual machine, in all queries together: about a second."""
_STEPS_A_CALL = 10_000
_WAL = b"\x02\x02"
"""Octets 18 and 19 of a file that has its newest content in another one."""
_DEFAULT_GROUP = 0
_ALLOW, _DENY, _REGEX_ALLOW, _REGEX_DENY = range(4)
_TYPES = ("allow", "deny", "regex allow", "regex deny")
_ALLOWS = (_ALLOW, _REGEX_ALLOW)
_NAME = r"((?:[a-z0-9_-]+\\\.)*[a-z0-9_-]+)"
_WILDCARD = re.compile(rf"\((?:\\\.\|\^|\^\|\\\.)\){_NAME}\$", re.IGNORECASE)
"""The regex that Pi-hole itself writes for a wildcard: ``(\\.|^)example\\.org$``."""
_EXACT = re.compile(rf"\^{_NAME}\$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Gravity:
    """The rows that count."""

    groups: Mapping[int, str]
    """The names of the enabled groups."""
    lists: Mapping[int, tuple[str, int, int]]
    """Address, type and number of adblock entries."""
    domains: Mapping[int, tuple[int, str]]
    clients: Mapping[int, str]
    list_groups: Mapping[int, frozenset[int]]
    domain_groups: Mapping[int, frozenset[int]]
    client_groups: Mapping[int, frozenset[int]]


def read_gravity(content: bytes, path: Path) -> OldSetup:
    """Read the content of a gravity.db; ``path`` is for messages.

    Raises:
        OldSetupError: it is no such file, or it cannot be read.
    """
    if content[18:20] == _WAL:
        raise OldSetupError(
            f"{path}: its newest content may be in {path.name}-wal. Copy it first, and name the "
            f"copy: sqlite3 {path.name} \"VACUUM INTO 'copy.db'\""
        )
    try:
        # In memory, SQLite opens nothing that lies beside the file.
        with closing(sqlite3.connect(":memory:", isolation_level=None)) as database:
            database.deserialize(content)
            database.execute("PRAGMA trusted_schema = OFF")
            _bound(database)
            gravity = _rows(database, path)
    except sqlite3.Error as error:
        why = f"{path.name}: {error}"
        raise OldSetupError(f"{why}; expected a gravity.db of Pi-hole 5 or 6") from error
    return _setup(gravity)


def _bound(database: Connection) -> None:
    """Let no query take long, whatever tables the file has."""
    steps = 0

    def count() -> int:
        nonlocal steps
        steps += _STEPS_A_CALL
        return int(steps > _MOST_STEPS)

    database.set_progress_handler(count, _STEPS_A_CALL)
    database.setlimit(SQLITE_LIMIT_LENGTH, 1 << 20)


def _rows(database: Connection, path: Path) -> _Gravity:
    columns = {table: _columns(database, path, table) for table in _TABLES}["adlist"]
    kind = "type" if "type" in columns else "0"
    entries = "abp_entries" if "abp_entries" in columns else "0"
    lists = _read(database, path, f"SELECT id, address, {kind}, {entries} FROM adlist", "isii")
    domains = _read(database, path, "SELECT id, type, domain FROM domainlist", "iis")
    groups = _read(database, path, 'SELECT id, name FROM "group"', "is")
    clients = _read(database, path, "SELECT id, ip FROM client", "is", enabled=False)
    return _Gravity(
        dict(groups),
        {key: (address, kind, entries) for key, address, kind, entries in lists},
        {key: (kind, domain) for key, kind, domain in domains},
        dict(clients),
        *(_by_group(database, path, table) for table in ("adlist", "domainlist", "client")),
    )


def _columns(database: Connection, path: Path, table: str) -> set[str]:
    """The columns of a table. No view, no virtual table and no computed column is read."""
    query = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ? AND rootpage > 0"
    columns = database.execute(f'PRAGMA table_xinfo("{table}")').fetchall()
    is_computed = any(hidden for *_, hidden in columns)
    if is_computed or database.execute(query, (table,)).fetchone() is None:
        raise OldSetupError(
            f"{path}: it has no table '{table}'; expected a gravity.db of Pi-hole 5 or 6"
        )
    return {name for _, name, *_ in columns}


def _by_group(database: Connection, path: Path, what: str) -> Mapping[int, frozenset[int]]:
    memberships = defaultdict(set)
    query = f"SELECT {what}_id, group_id FROM {what}_by_group"
    for key, group in _read(database, path, query, "ii", enabled=False):
        memberships[key].add(group)
    return {key: frozenset(groups) for key, groups in memberships.items()}


def _read(
    database: Connection, path: Path, query: str, types: str, *, enabled: bool = True
) -> Iterator[Any]:
    """The rows of a query, each value of the type that it must have: i, or s for text."""
    where = " WHERE enabled" if enabled else ""
    rows = database.execute(f"{query}{where} ORDER BY 1 LIMIT {_MOST_ROWS + 1}").fetchall()
    if len(rows) > _MOST_ROWS:
        raise OldSetupError(f"{path}: more than {_MOST_ROWS} rows in a table")
    for row in rows:
        for value, kind in zip(row, types, strict=True):
            if not isinstance(value, int if kind == "i" else str):
                raise OldSetupError(f"{path}: a value of another type than Pi-hole writes")
            if isinstance(value, str) and len(value) > _LONGEST_TEXT:
                raise OldSetupError(f"{path}: a text of more than {_LONGEST_TEXT} characters")
        yield row


def _setup(gravity: _Gravity) -> OldSetup:
    setup = OldSetup("Pi-hole")
    named = _lists(setup, gravity)
    rules = _rules(setup, gravity)

    def policy(groups: frozenset[int]) -> OldPolicy:
        groups &= gravity.groups.keys()
        chosen = [rules[key] for key in _in_groups(rules, gravity.domain_groups, groups)]
        allow = tuple(dict.fromkeys(text for allows, text in chosen if allows))
        deny = denied((text for allows, text in chosen if not allows), allow)
        lists = tuple(named[key] for key in _in_groups(named, gravity.list_groups, groups))
        return OldPolicy(allow, deny, lists)

    setup.default = policy(frozenset((_DEFAULT_GROUP,)))
    for groups, prefixes in _clients(setup, gravity).items():
        names = [gravity.groups[group] for group in sorted(groups) if group in gravity.groups]
        name = unique(label("-".join(names)) if names else "no-group", _names(setup))
        setup.clients.append(OldClients(name, tuple(prefixes), policy(groups)))
    allows = sum(allow for allow, _ in rules.values())
    setup.came += [
        f"{count_text(len(named), 'list')}, {allows} allowed and "
        f"{count_text(len(rules) - allows, 'denied domain')}.",
        f"{count_text(sum(len(clients.prefixes) for clients in setup.clients), 'client')}, in "
        f"{count_text(len(setup.clients), 'VLAN')}: one for each combination of groups.",
    ]
    if named:
        setup.leave(
            "the format of each list is guessed from its address: where it is another, the list is "
            "refused or its lines are skipped, and its names pass. See: darban lists"
        )
    setup.leave(
        "pihole.toml (upstreams, hosts, cnameRecords, revServers, blocking mode, DHCP) is not in "
        "gravity.db: docs/how-to/move.md has the place of each setting"
    )
    return setup


def _names(setup: OldSetup) -> list[str]:
    return [clients.name for clients in setup.clients]


def _in_groups(
    keys: Iterable[int], groups_of: Mapping[int, frozenset[int]], groups: frozenset[int]
) -> Iterator[int]:
    """The keys that are in one of the groups at least."""
    return (key for key in keys if not groups.isdisjoint(groups_of.get(key, ())))


def _lists(setup: OldSetup, gravity: _Gravity) -> dict[int, str]:
    """The names of the lists here, by their keys in the database."""
    names = {}
    for key, (address, kind, entries) in gravity.lists.items():
        if kind != 0:
            setup.leave(f"allow list {address}: here an exception acts within its own list alone")
            continue
        format_ = "adblock" if entries else guessed_format(address, "hosts")
        name = setup.add_list(address, format_, address)
        if name is not None:
            names[key] = name
    return names


def _rules(setup: OldSetup, gravity: _Gravity) -> dict[int, tuple[bool, str]]:
    """Whether each domain is allowed, and its rule, by their keys in the database."""
    rules = {}
    for key, (kind, domain) in gravity.domains.items():
        if kind not in range(len(_TYPES)):
            setup.leave(f"domain {domain}: type {kind} is unknown")
            continue
        allow = kind in _ALLOWS
        follows = "It is not allowed here." if allow else "What it denies passes here."
        try:
            rules[key] = allow, _rule(kind, domain, allow=allow)
        except ValueError as error:
            setup.leave(f"{_TYPES[kind]} {domain}: {error}. {follows}")
    return rules


def _rule(kind: int, domain: str, *, allow: bool) -> str:
    if kind in (_ALLOW, _DENY):
        return rule(domain, subtree=False, allow=allow)
    for form, subtree in ((_WILDCARD, True), (_EXACT, False)):
        if parts := form.fullmatch(domain):
            return rule(parts[1].replace("\\.", "."), subtree=subtree, allow=allow)
    raise ValueError("a rule here is a name, and no regular expression")


def _clients(setup: OldSetup, gravity: _Gravity) -> Mapping[frozenset[int], list[Network]]:
    """The prefixes of the clients, by their groups. Of a prefix that is there twice, the first."""
    by_groups: dict[frozenset[int], list[Network]] = {}
    known: set[Network] = set()
    for key, text in gravity.clients.items():
        groups = gravity.client_groups.get(key, frozenset())
        network = prefix(text.strip())
        if network is None:
            setup.leave(
                f"client {text}: here a client is known by its address. It has the policy of its "
                "address's VLAN. Give it a fixed address in DHCP, and a VLAN"
            )
        elif network in known:
            setup.leave(f"client {text}: {network} is there twice; the first one counts")
        elif _is_of_no_client(network):
            setup.leave(f"client {text}: no address that a client has in a VLAN")
        else:
            known.add(network)
            by_groups.setdefault(groups, []).append(network)
    return by_groups


def _is_of_no_client(network: Network) -> bool:
    """Whether no client can have the prefix: link-local addresses belong to an interface."""
    return network.is_link_local or network.is_multicast or network[0] == ip_address("::")
