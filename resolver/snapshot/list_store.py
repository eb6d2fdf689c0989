"""The last good copy of every fetched list, in the state directory.

Each list has two files: its content, and a record of its source and its last fetch. Both are
written aside, synced and renamed. A download replaces the copy only after it was validated. The
copy before it is kept: it is restored if expectations fail with the new one, and used if the new
one is damaged. The record has the SHA-256 of both, so a damaged copy is not used, nor one whose
record is lost. It has the format of both: the config's may be another one meanwhile.
"""

import contextlib
import hashlib
import json
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, NamedTuple

from resolver.lists.acceptance import MAX_LIST_BYTES
from resolver.lists.rules import HeldChange
from resolver.policy.settings import Subscription
from resolver.system.files import make_directory, rename_synced, temporary_file, write_atomically
from resolver.system.regular_files import read_regular

_CONTENT, _RECORD, _BEFORE = ".list", ".json", ".before"
_LATER = {
    "before": "",
    "before_format": "",
    "asked": "",
    "held": None,
    "breaks": "",
    "serial": 0,
    "signer": "",
    "manifest": "",
    "signature": "",
    "copy_fault": "",
}
"""Fields that the records of earlier releases lack."""


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
    before: str = ""
    """The SHA-256 of the copy before; empty where there is none."""
    before_format: str = ""
    """The format of the copy before."""
    asked: str = ""
    """What the last fetch asked for, from the config: URL and format."""
    held: HeldChange | None = None
    """The change that the last good fetch found, where it is held until a person accepts it."""
    breaks: str = ""
    """The expectations that fail with what was fetched last, which is held for it; else empty."""

    serial: int = 0
    """Of the manifest of the copy; 0 where it has none."""
    signer: str = ""
    """Who has signed this manifest, and by which key; empty where nobody has."""
    manifest: str = ""
    """This manifest, as it was signed."""
    signature: str = ""
    copy_fault: str = ""
    """Why the copy in use would not be accepted now, as the last update saw; else empty."""

    @property
    def is_held(self) -> bool:
        """Whether what was fetched last is held."""
        return self.held is not None or bool(self.breaks)

    def begin(self, subscription: Subscription) -> None:
        """Note that a fetch is tried now."""
        self.tried, self.asked = time.time(), asked(subscription)


def asked(subscription: Subscription) -> str:
    """What a fetch asks for; where it changes in the config, the list is fetched at once."""
    return f"{subscription.url} {subscription.format} {subscription.allowed_signers}".rstrip()


class StoredCopy(NamedTuple):
    """A copy of a list that is not damaged."""

    path: Path
    content: bytes
    sha256: str
    format: str
    """The format that it was validated as; empty where an earlier release has not noted it."""
    newest: bool
    """Whether it is the content that was fetched last, not the one before."""


class ListStore:
    """The copies in a state directory."""

    def __init__(self, state: Path) -> None:
        self.directory = state / "lists"

    def copies(self, name: str) -> Iterator[StoredCopy]:
        """Yield the copy of a list, then the copy before it; not those that are damaged."""
        record = self.record(name)
        for path in self._files(name):
            with contextlib.suppress(OSError):
                content = read_regular(path, MAX_LIST_BYTES)
                sha256 = hashlib.sha256(content).hexdigest()
                if sha256 == record.sha256:
                    yield StoredCopy(path, content, sha256, record.format, newest=True)
                elif sha256 == record.before:
                    yield StoredCopy(path, content, sha256, record.before_format, newest=False)

    def damage(self, name: str) -> str:
        """Why the newest copy of a list is not used; empty where the list was never fetched."""
        path, _ = self._files(name)
        try:
            path.open("rb").close()
        except FileNotFoundError:
            return "is missing" if self.record(name).sha256 else ""
        except OSError as error:
            return f"cannot be read ({error.strerror})"
        return "is damaged" if self.record(name).sha256 else "has lost its record"

    def record(self, name: str) -> ListRecord:
        """The record of a list; an empty one where there is none, or it cannot be read."""
        try:
            plain = _LATER | json.loads((self.directory / (name + _RECORD)).read_bytes())
            kinds: dict[str, Callable[[Any], Any]] = {
                field.name: type(getattr(ListRecord(), field.name)) for field in fields(ListRecord)
            }
            kinds["held"] = HeldChange.from_json
            return ListRecord(**{key: kind(plain[key]) for key, kind in kinds.items()})
        except (OSError, ValueError, KeyError, TypeError):
            return ListRecord()

    def newest(self, name: str) -> StoredCopy | None:
        """The content that was fetched last, if it is there as its record describes it."""
        record = self.record(name)
        return next((copy for copy in self.copies(name) if copy.sha256 == record.sha256), None)

    def temporary_file(self, name: str) -> AbstractContextManager[Path]:
        """A temporary file to download into; removed afterwards, unless it replaced a copy."""
        return temporary_file(self.directory / name)

    def replace(self, name: str, fetched: Path, record: ListRecord) -> None:
        """Replace the copy by a download that was validated."""
        copy, before = self._files(name)
        kept = next(self.copies(name), None)
        if kept is not None:
            kept.path.replace(before)
        record.before, record.before_format = "", ""
        if kept is not None:
            record.before, record.before_format = kept.sha256, kept.format
        rename_synced(fetched, copy)
        self.write_record(name, record)

    def restore_previous(self, name: str, record: ListRecord) -> None:
        """Restore the copy before the last one, or have none where there was none."""
        copy, before = self._files(name)
        try:
            rename_synced(before, copy)
        except FileNotFoundError:
            copy.unlink(missing_ok=True)
        self.write_record(name, record)

    def write_record(self, name: str, record: ListRecord) -> None:
        """Write a record."""
        make_directory(self.directory)
        write_atomically(self.directory / (name + _RECORD), json.dumps(asdict(record)).encode())

    def _files(self, name: str) -> tuple[Path, Path]:
        """The copy of a list, and the copy before it."""
        return self.directory / (name + _CONTENT), self.directory / (name + _BEFORE)
