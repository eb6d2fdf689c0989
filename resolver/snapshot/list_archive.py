"""The agency's own lists as they were in force, each by the SHA-256 of its content.

``darban history --restore`` takes from here what a list was at an earlier moment.
"""

import contextlib
import hashlib
from collections.abc import Mapping
from pathlib import Path

from resolver.files import read_regular
from resolver.snapshot.archive import LONGEST, Archive


class ListArchive:
    """The lists in a state directory."""

    def __init__(self, state: Path) -> None:
        self._archive = Archive(state / "kept-lists")

    def keep(self, base: Path, lists: Mapping[str, str]) -> None:
        """Keep lists that have just been read; ``lists`` has their hashes, by files in ``base``."""
        for file, sha256 in lists.items():
            # what cannot be kept does not prevent that it comes in force
            with contextlib.suppress(OSError):
                if self._archive.mark_used(sha256):
                    continue
                content = read_regular(base / file, LONGEST)
                if hashlib.sha256(content).hexdigest() == sha256:
                    self._archive.keep(sha256, content)

    def content(self, sha256: str) -> bytes | None:
        """The list with this hash; None where it was not kept."""
        content = self._archive.content(sha256)
        return content if content and hashlib.sha256(content).hexdigest() == sha256 else None
