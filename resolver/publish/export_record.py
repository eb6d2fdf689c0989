"""What an export was made from, so that one that would write the same is not made again.

``darban export dnsdist`` runs each minute. To compile a million names takes nine seconds; to hash
the files that they come from, a tenth of one.
"""

import hashlib
import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Self

from resolver.files import write_atomically
from resolver.policy.moment import NOTHING, InForce
from resolver.publish.zone_record import program

_FILE = "export.json"


@dataclass(frozen=True, slots=True)
class ExportRecord:
    """What the files of a directory were made from."""

    sources: str = ""
    """A hash of this program and of the files of the config (``snapshot.source_hash``)."""
    since: float = 0.0
    """The same exemptions and hours are in force from here on, in seconds since 1970."""
    until: float = 0.0
    """Until this moment."""
    files: dict[str, list[int]] = field(default_factory=dict)
    """Of each file of the directory, what tells it from others: inode, time and size."""

    @classmethod
    def of(cls, sources: str, in_force: InForce, directory: Path) -> Self:
        """The record of a directory whose files were just written."""
        return cls(_with_program(sources), in_force.since, in_force.until, _files(directory))

    @classmethod
    def read(cls, directory: Path) -> Self:
        """The record of a directory; an empty one where it is missing or damaged."""
        try:
            return cls(**json.loads((directory / _FILE).read_bytes()))
        except (FileNotFoundError, ValueError, TypeError):
            return cls()

    def write(self, directory: Path) -> None:
        """Replace the record of a directory; OSError where that fails."""
        write_atomically(directory / _FILE, json.dumps(asdict(self)).encode())

    def holds(self, sources: str, wall: float, directory: Path) -> bool:
        """Whether an export at a moment would write the files that are there."""
        in_force = NOTHING._replace(since=self.since, until=self.until)
        return (
            self.sources == _with_program(sources)
            and in_force.lasts(wall)
            and self.files == _files(directory)
        )


def _with_program(sources: str) -> str:
    return hashlib.sha256(f"{program()} {sources}".encode()).hexdigest()


def _files(directory: Path) -> dict[str, list[int]]:
    with os.scandir(directory) as found:
        status = {each.name: each.stat() for each in found if each.name != _FILE}
    return {name: [s.st_ino, s.st_mtime_ns, s.st_size] for name, s in sorted(status.items())}
