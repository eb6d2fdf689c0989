"""The last good copy of every fetched list, in the state directory.

Each list has two files: its content, and a record of its source and its last fetch. Both are
written aside and renamed, so that a reader finds a whole file. A download replaces the copy only
after it was validated. The copy before it is kept until the new one is in force.
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
    """The source of a copy, and the last fetch of its list."""

    url: str = ""
    format: str = ""
    """The format that it was validated as."""
    etag: str = ""
    modified: str = ""
    sha256: str = ""
    """Of the copy; empty where there is none."""
    entries: int = 0
    updated: float = 0.0
    """When the copy was last known to be up to date, in seconds since 1970."""
    tried: float = 0.0
    """When the last fetch was tried."""
    failures: int = 0
    """Failed fetches since the last good one."""
    error: str = ""
    """Why the last fetch failed; empty where it did not."""


class ListsNotApplied(NamedTuple):
    """Why fetched lists are not in force."""

    reason: str
    by_their_fault: bool
    """Whether expectations fail with them; else they come in force with the next reload."""


class ListStore:
    """The copies in a state directory."""

    def __init__(self, state: Path) -> None:
        self.directory = state / "lists"

    def content(self, name: str) -> bytes | None:
        """The copy of a list; None where it was never fetched."""
        try:
            return (self.directory / (name + _CONTENT)).read_bytes()
        except OSError:
            return None

    def record(self, name: str) -> ListRecord:
        """The record of a list; an empty one where there is none, or it cannot be read."""
        try:
            plain = json.loads((self.directory / (name + _RECORD)).read_bytes())
            kinds = {
                field.name: type(getattr(ListRecord(), field.name)) for field in fields(ListRecord)
            }
            return ListRecord(**{key: kind(plain[key]) for key, kind in kinds.items()})
        except (OSError, ValueError, KeyError, TypeError):
            return ListRecord()

    def holds(self, name: str, record: ListRecord) -> bool:
        """Whether there is a copy, with the content that the record describes."""
        content = self.content(name)
        return content is not None and hashlib.sha256(content).hexdigest() == record.sha256

    @contextlib.contextmanager
    def temporary_file(self, name: str) -> Iterator[Path]:
        """A temporary file to download into; removed afterwards, unless it replaced a copy."""
        self.directory.mkdir(parents=True, exist_ok=True)
        handle, path = tempfile.mkstemp(prefix=f".{name}-", dir=self.directory)
        os.close(handle)
        try:
            yield Path(path)
        finally:
            with contextlib.suppress(OSError):
                Path(path).unlink()

    def replace(self, name: str, fetched: Path, record: ListRecord) -> None:
        """Replace the copy by a download that was validated."""
        copy = self.directory / (name + _CONTENT)
        before = self.directory / (name + _BEFORE)
        before.unlink(missing_ok=True)
        with contextlib.suppress(FileNotFoundError):
            copy.replace(before)
        rename_synced(fetched, copy)
        self.write_record(name, record)

    def restore_previous(self, name: str, record: ListRecord) -> None:
        """Restore the copy before the last one, or have none where there was none."""
        copy = self.directory / (name + _CONTENT)
        try:
            (self.directory / (name + _BEFORE)).replace(copy)
        except FileNotFoundError:
            copy.unlink(missing_ok=True)
        self.write_record(name, record)

    def write_record(self, name: str, record: ListRecord) -> None:
        """Write a record."""
        self.directory.mkdir(parents=True, exist_ok=True)
        write_atomically(self.directory / (name + _RECORD), json.dumps(asdict(record)).encode())
