"""The agency's own lists as they were in force, each by the SHA-256 of its content.

``darban history --restore`` takes from here what a list was at an earlier moment.
"""

import contextlib
import hashlib
from collections.abc import Mapping
from pathlib import Path

from resolver.files import make_directory, write_atomically

_LONGEST = 4 << 20
"""Octets of a list that is kept."""


class ListArchive:
    """The lists in a state directory."""

    def __init__(self, state: Path) -> None:
        self._directory = state / "kept-lists"

    def keep(self, base: Path, lists: Mapping[str, str]) -> None:
        """Keep lists that have just been read; ``lists`` has their hashes, by files in ``base``."""
        for file, sha256 in lists.items():
            path = self._directory / sha256
            # what cannot be kept does not prevent that it comes in force
            with contextlib.suppress(OSError):
                if path.exists() or (base / file).stat().st_size > _LONGEST:
                    continue
                content = (base / file).read_bytes()
                if hashlib.sha256(content).hexdigest() == sha256:
                    make_directory(self._directory)
                    write_atomically(path, content)

    def content(self, sha256: str) -> bytes | None:
        """The list with this hash; None where it was not kept."""
        try:
            content = (self._directory / sha256).read_bytes()
        except (OSError, ValueError):
            return None
        return content if hashlib.sha256(content).hexdigest() == sha256 else None
