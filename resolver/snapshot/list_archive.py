"""The lists that were in force, each by the SHA-256 of its content, as far as a bound allows.

``darban explain --at`` and others compile the policy of an earlier moment from them.
"""

import contextlib
import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from resolver.lists.acceptance import MAX_LIST_BYTES
from resolver.snapshot.archive import Archive
from resolver.system.regular_files import read_regular

_MOST: Final = 512 << 20
"""Octets on disk. A million names take 9.7 MB: a list of them that changes each day, 55 days."""


class ListArchive:
    """The lists in a state directory."""

    def __init__(self, state: Path) -> None:
        self._archive = Archive(state / "kept-lists", MAX_LIST_BYTES, _MOST)

    def keep(self, lists: Iterable[tuple[str, Path]]) -> None:
        """Keep lists that have just been read, each given by its hash and its file."""
        for sha256, file in lists:
            # what cannot be kept does not prevent that it comes in force
            with contextlib.suppress(OSError):
                if self._archive.mark_used(sha256):
                    continue
                content = read_regular(file, MAX_LIST_BYTES)
                if hashlib.sha256(content).hexdigest() == sha256:
                    self._archive.keep(sha256, content)

    def content(self, sha256: str) -> bytes | None:
        """The list with this hash; None where it was not kept."""
        content = self._archive.content(sha256)
        kept = content is not None and hashlib.sha256(content).hexdigest() == sha256
        return content if kept else None
