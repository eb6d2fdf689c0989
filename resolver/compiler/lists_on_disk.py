"""The agency's own lists as they are on disk, and those from a medium among them."""

import errno
import hashlib
from collections.abc import Iterator
from pathlib import Path

from resolver.config.load import LoadedConfig
from resolver.config.problems import Problem
from resolver.config.warnings import FROM_MEDIUM
from resolver.lists.acceptance import MAX_LIST_BYTES
from resolver.lists.manifest import InvalidManifest
from resolver.snapshot.shipped_lists import ShippedLists, is_shipped, release_hash, shipped_lists
from resolver.system.regular_files import read_regular

_MAY_BE_NEWER = (
    "An upgrade may have brought newer ones, and they are not read: 'darban lists update --shipped'"
)
_DAMAGED = (
    "it is not what its manifest says: 'darban lists update --from' puts it back from the medium"
)


class ListsOnDisk:
    """The lists as they are on disk."""

    def __init__(self, state: Path) -> None:
        self.shipped = ShippedLists(state)
        self._of_manifest: dict[Path, str] = {}
        """The SHA-256 of each file that was listed from a medium."""

    def directory(self, path: Path) -> list[Path]:
        """The files of a directory, sorted; OSError where it cannot be read.

        Lists from a medium are in another directory: then those that their manifest names.
        """
        directory = self.shipped.directory(path)
        if directory == path:
            return sorted(path.iterdir())
        try:
            self._of_manifest = dict(self.shipped.files())
            return sorted(self._of_manifest)
        except InvalidManifest as error:
            raise OSError(errno.EIO, str(error), str(directory)) from None

    def content(self, path: Path) -> bytes:
        """The content of a list; OSError where it cannot be read."""
        content = read_regular(path, MAX_LIST_BYTES)
        expected = self._of_manifest.get(path)
        if expected not in (None, hashlib.sha256(content).hexdigest()):
            raise OSError(errno.EIO, _DAMAGED, str(path))
        return content


def medium_problems(
    lists: ShippedLists, loaded: LoadedConfig, config: Path, wall: float
) -> Iterator[Problem]:
    """Warn of lists from a medium that would not be accepted now, or may be older."""
    names = loaded.config.lists.directories
    is_read = any(is_shipped(config.parent / name) for name in names)
    if not is_read or not lists.replaced or not lists.current.is_dir():  # that is an error already
        return
    signers = loaded.config.lists.allowed_signers
    note, path = lists.note(), ("lists", "directories")
    actual = f"lists from a medium{f', signed by {note.signer}' if note.signer else ''}"
    if refusal := _refusal(lists, None if signers is None else config.parent / signers, wall):
        expected = "lists that would be accepted now"
        advice = f"They would not: {refusal}. They stay until others come ('darban lists update')."
        yield loaded.provenance.problem(path, actual, expected, advice, "warning")
    if note.release != release_hash():
        expected = f"the lists of {shipped_lists()}, which have changed since"
        yield loaded.provenance.problem(
            path, actual, expected, _MAY_BE_NEWER, "warning", FROM_MEDIUM
        )


def _refusal(lists: ShippedLists, signers: Path | None, wall: float) -> str:
    """Why the lists in force would not be accepted now; empty where they would."""
    # Only here: what compiles a config has no event loop, and most have no lists from a medium.
    import asyncio
    from concurrent.futures import ThreadPoolExecutor

    from resolver.fetch.lists_release import refusal

    with ThreadPoolExecutor(1) as pool:  # in a thread: its caller may have a loop that runs
        return pool.submit(asyncio.run, refusal(lists.current, signers, wall)).result()
