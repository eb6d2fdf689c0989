"""Count what the block log says of one client, by name. Memory is bounded; the log may be large.

What must stay true:
- What is not counted is counted as such: lines that cannot be read or have a moment still to come,
  and queries for more names than there is room for.
- No line is attributed to a client that it does not name.
"""

import contextlib
import datetime as dt
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import BinaryIO, NamedTuple

from resolver.audit.block_log_file import NAME
from resolver.audit.block_log_retention import read_name
from resolver.system.regular_files import open_regular

_LINE = 1 << 16
"""Octets of a line that are read at once; the server writes no line beyond 4 KiB."""
_ROOM = 50_000
"""Names that are counted by themselves: a client can ask for any number."""

_DAMAGED = (ValueError, TypeError, KeyError, RecursionError, OverflowError)
"""What a line that is damaged, or of another program, raises."""


class BlockedName(NamedTuple):
    """What is counted together."""

    name: str
    service: str
    outcome: str
    target: str


@dataclass(slots=True)
class BlockedQueries:
    """The blocked queries of a client since a moment; moments are in seconds since 1970."""

    begins: float | None = None
    """The moment of the log's first line."""
    counts: dict[BlockedName, int] = field(default_factory=dict)
    without_room: int = 0
    """Queries for more names than are counted by themselves."""
    prefixes: set[str] = field(default_factory=set)
    """Where lines name a prefix: they are of all its clients."""
    without_client: int = 0
    """Lines that name only the VLAN of the client that is asked about."""
    unreadable: int = 0
    to_come: int = 0
    """Lines whose moment is still to come: the clock was ahead."""

    def add(self, name: BlockedName) -> None:
        """Count a query."""
        if name in self.counts or len(self.counts) < _ROOM:
            self.counts[name] = self.counts.get(name, 0) + 1
        else:
            self.without_room += 1


def blocked_queries(
    state: Path, since: float, now: float, vlan: str, address: str | None
) -> BlockedQueries:
    """What the log has of a VLAN, or of an address in it. OSError where it cannot be read."""
    queries = BlockedQueries()
    for file in _files(state):
        with file:
            if queries.begins is not None and os.fstat(file.fileno()).st_mtime < since:
                continue  # it was written to last before the first moment that counts
            for line in iter(partial(file.readline, _LINE), b""):
                try:
                    record = json.loads(line)
                    at = dt.datetime.fromisoformat(record["time"]).timestamp()
                    of = _client(record, vlan, address)
                    name = BlockedName(*(str(record[key]) for key in BlockedName._fields))
                except _DAMAGED:
                    queries.unreadable += 1
                    continue
                if queries.begins is None:
                    queries.begins = at
                    if os.fstat(file.fileno()).st_mtime < since:
                        break
                _count(queries, name, of, at, since, now)
    return queries


def _count(
    queries: BlockedQueries, name: BlockedName, of: str | None, at: float, since: float, now: float
) -> None:
    """Count a line of a client; ``of`` is what it names the client by, None for another one."""
    if of is None or at < since:
        return
    if at > now:
        queries.to_come += 1
    elif not of:
        queries.without_client += 1
    else:
        if "/" in of:
            queries.prefixes.add(of)
        queries.add(name)


def _client(record: dict[str, str], vlan: str, address: str | None) -> str | None:
    """What a line names a client by: its VLAN, prefix or address; empty: by too little."""
    client = record["client"]
    if address is None:
        return vlan if record["vlan"] == vlan else None
    if client == record["vlan"]:
        return "" if client == vlan else None
    return client if ip_address(address.partition("%")[0]) in ip_network(client) else None


def _files(state: Path) -> Iterator[BinaryIO]:
    """The files of the log, the oldest first."""
    rotated = (read_name(path.name, NAME) for path in state.iterdir())
    in_order = sorted(file for file in rotated if file is not None)
    for path in (*[state / file.name for file in in_order], state / NAME):
        with contextlib.suppress(FileNotFoundError):  # it was removed meanwhile
            yield open_regular(path)
