"""The last good copy of every list that is fetched, in the state directory.

Each list has two files: its content as it came, and a record of where it came from and how
its last fetching went. Both are written aside and renamed, so that a reader finds all of one or
all of another. What is fetched is written aside as well, and takes the place of the copy only
when it has been judged; the copy before it is kept until the new one is in force.
"""

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import NamedTuple

from resolver.files import rename_synced, write_atomically

_CONTENT, _RECORD, _BEFORE = ".list", ".json", ".before"


@dataclass(slots=True)
class ListRecord:
    """Where a copy came from, and how the last fetching of its list went."""

    url: str = ""
    format: str = ""
    """What it was judged as."""
    etag: str = ""
    modified: str = ""
    sha256: str = ""
    """Of the copy; empty where there is none."""
    entries: int = 0
    updated: float = 0.0
    """When the copy was last known to be what its source has, in seconds since 1970."""
    tried: float = 0.0
    """When it was last fetched or tried to be."""
    failures: int = 0
    """How often fetching it has failed since it last went well."""
    error: str = ""
    """Why it failed last; empty where it went well."""


class ListsNotApplied(NamedTuple):
    """Copies that were fetched and not put in force."""

    reason: str
    by_their_fault: bool
    """Whether expectations do not hold with them; else they go in force with the next reload."""


class ListStore:
    """The copies of a state directory."""

    def __init__(self, state: Path) -> None:
        self.place = state / "lists"

    def content(self, name: str) -> bytes | None:
        """The copy of a list, or None where it has never been fetched."""
        try:
            return (self.place / (name + _CONTENT)).read_bytes()
        except OSError:
            return None

    def record(self, name: str) -> ListRecord:
        """What is known of a list; an empty record where nothing is, or nothing readable."""
        try:
            plain = json.loads((self.place / (name + _RECORD)).read_bytes())
            kinds = {
                field.name: type(getattr(ListRecord(), field.name)) for field in fields(ListRecord)
            }
            return ListRecord(**{key: kind(plain[key]) for key, kind in kinds.items()})
        except (OSError, ValueError, KeyError, TypeError):
            return ListRecord()

    def holds(self, name: str, record: ListRecord) -> bool:
        """Whether the copy is there, and is the one of the record."""
        content = self.content(name)
        return content is not None and hashlib.sha256(content).hexdigest() == record.sha256

    @contextlib.contextmanager
    def aside(self, name: str) -> Iterator[Path]:
        """A file to fetch into; it is gone afterwards, unless it was kept."""
        self.place.mkdir(parents=True, exist_ok=True)
        handle, path = tempfile.mkstemp(prefix=f".{name}-", dir=self.place)
        os.close(handle)
        try:
            yield Path(path)
        finally:
            with contextlib.suppress(OSError):
                Path(path).unlink()

    def keep(self, name: str, fetched: Path, record: ListRecord) -> None:
        """Let what was fetched take the place of the copy, of which it was judged worthy."""
        copy = self.place / (name + _CONTENT)
        before = self.place / (name + _BEFORE)
        before.unlink(missing_ok=True)
        with contextlib.suppress(FileNotFoundError):
            copy.replace(before)
        rename_synced(fetched, copy)
        self.note(name, record)

    def take_back(self, name: str, record: ListRecord) -> None:
        """Let the copy before the last one take its place again; there may have been none."""
        copy = self.place / (name + _CONTENT)
        try:
            (self.place / (name + _BEFORE)).replace(copy)
        except FileNotFoundError:
            copy.unlink(missing_ok=True)
        self.note(name, record)

    def note(self, name: str, record: ListRecord) -> None:
        """Write a record."""
        self.place.mkdir(parents=True, exist_ok=True)
        write_atomically(self.place / (name + _RECORD), json.dumps(asdict(record)).encode())
