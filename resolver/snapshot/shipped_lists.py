"""The lists of a release, and those from a medium that are read in their place.

Lists from a medium are stored in the state directory, each time in a directory of their own. The
link ``shipped-lists`` leads to those in force. While it is there, whatever reads the lists of a
release reads these instead: ``ShippedLists.directory`` alone decides it.

What must stay true:
- Of a directory with a manifest, the files that it names are read, and no others.
- A link that leads nowhere is an error. It never brings back the lists of the release unseen.
- A server that is killed during a switch tries the new lists at its next start; with --last-good,
  expectations and losses decide then as at a reload.
"""

import contextlib
import hashlib
import json
import os
import secrets
import shutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from resolver.lists.manifest import MANIFEST, MAX_BYTES, Manifest, read_manifest
from resolver.snapshot.list_directory import TooMuch, hashes, read_files
from resolver.system.files import atomic_directory, replace_link, write_atomically
from resolver.system.regular_files import read_regular
from resolver.system.stored import read_fields

INSTALLED_LISTS: Final = Path("/usr/share/darban/blocklists")
SOURCES: Final = tuple(Path(sys.prefix).parents[:2])
SOURCE_LISTS: Final = tuple(directory / "blocklists" for directory in SOURCES)
"""The lists of an installation; those of a checkout, whose environment is .venv or build/venv."""
_NOTE: Final = ".in-force.json"
"""In a directory of lists: what is noted when it is put in force."""
_LINK: Final = "shipped-lists"


@dataclass(frozen=True, slots=True)
class Note:
    """What was seen when lists from a medium were put in force."""

    signer: str = ""
    """Who has signed them, and by which key; empty where no signature was needed."""
    release: str = ""
    """A hash of the lists of the release, as they were then."""

    @property
    def signed(self) -> str:
        """Whether they are signed, in words."""
        return f"signed by {self.signer}" if self.signer else "not signed"


def shipped_lists() -> Path | None:
    """The directory of the lists of the release; None where none is installed."""
    shipped = (INSTALLED_LISTS, *SOURCE_LISTS)
    return next((directory for directory in shipped if directory.is_dir()), None)


def is_shipped(directory: Path) -> bool:
    """Whether a directory has the lists of a release; also by a link to it."""
    real = os.path.realpath(directory)
    return any(real == os.path.realpath(shipped) for shipped in (INSTALLED_LISTS, *SOURCE_LISTS))


def release_hash() -> str:
    """A hash of the lists of the release, as they are now; empty where they cannot be read."""
    directory = shipped_lists()
    if directory is None:
        return ""
    try:
        files = hashes(read_files(directory))
    except (OSError, TooMuch):
        return ""
    return hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()


class ShippedLists:
    """The lists from a medium in a state directory; methods raise OSError."""

    def __init__(self, state: Path) -> None:
        self.current = state.absolute() / _LINK
        """The lists in force."""
        self._all = state.absolute() / f"{_LINK}-all"

    @property
    def replaced(self) -> bool:
        """Whether lists from a medium are read instead of those of the release."""
        return os.path.lexists(self.current)

    def directory(self, path: Path) -> Path:
        """The directory that is read where a config names this one."""
        return self.current if self.replaced and is_shipped(path) else path

    def has(self, file: Path) -> bool:
        """Whether a file is a list of the release, or one from a medium."""
        return file.parent == self.current or is_shipped(file.parent)

    def manifest(self, name: str = "") -> Manifest:
        """The manifest of the lists in force, or of those of this name; InvalidManifest."""
        return read_manifest(read_regular(self.path(name) / MANIFEST, MAX_BYTES))

    def note(self) -> Note:
        """What was noted of the lists in force."""
        try:
            return read_fields(Note, json.loads((self.current / _NOTE).read_bytes()))
        except (OSError, ValueError, TypeError, AttributeError):
            return Note()

    def path(self, name: str = "") -> Path:
        """The directory of the lists of this name, or of those in force."""
        return self._all / name if name else self.current

    def keep(self, contents: Mapping[str, bytes]) -> str:
        """Store a directory of lists, which is not put in force; the name that it has here."""
        name = secrets.token_hex(8)
        with atomic_directory(self.path(name)) as directory:
            for file, content in contents.items():
                (directory / file).write_bytes(content)
        return name

    def linked(self) -> str:
        """The name of the lists in force; empty for those of the release."""
        return self.current.readlink().name if self.replaced else ""

    def switch(self, name: str, note: Note | None = None) -> None:
        """Have the lists of this name read; with an empty one, those of the release."""
        if not name:
            self.current.unlink(missing_ok=True)
            return
        if note is not None:
            write_atomically(self.path(name) / _NOTE, json.dumps(asdict(note)).encode())
        replace_link(self.current, self.path(name))

    def remove_others(self) -> None:
        """Remove the lists that are not in force, as far as the disk lets it."""
        with contextlib.suppress(OSError):
            linked = self.linked()
            for path in self._all.iterdir():
                if path.name != linked:
                    shutil.rmtree(path, ignore_errors=True)

    def files(self) -> Iterator[tuple[Path, str]]:
        """The files in force, with the SHA-256 of each; InvalidManifest."""
        for name, sha256 in self.manifest().files.items():
            yield self.current / name, sha256
