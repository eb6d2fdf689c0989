"""Compile the policy of an earlier moment from what is kept of it: to be asked, never served.

The texts of the config and the hashes of its lists are in the audit log, the lists in an archive
(``snapshot.list_archive``). Of the disk as it is now only lists are read that have the same hash.
Nothing is written.
"""

import contextlib
import errno
import hashlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from resolver import DarbanError
from resolver.compiler.block_lists import read_lists
from resolver.compiler.named_files import read_logo
from resolver.compiler.policy import compile_snapshot
from resolver.config.load import LoadedConfig, load
from resolver.lists.acceptance import MAX_LIST_BYTES
from resolver.snapshot.config_files import SavedFiles, SourceTexts
from resolver.snapshot.list_archive import ListArchive
from resolver.snapshot.list_store import ListRecord, ListStore, StoredCopy
from resolver.snapshot.shipped_lists import ShippedLists, is_shipped
from resolver.snapshot.snapshot import Snapshot
from resolver.system.regular_files import read_regular


class NotKept(DarbanError):
    """What was in force is not kept any more; the message names what is missing."""


class RefusedToday(DarbanError):
    """This release finds errors in the config of then; the message has them."""


def load_past(config: Path, sources: SourceTexts) -> LoadedConfig:
    """The config of an earlier moment.

    Raises:
        NotKept: its texts are not kept.
    """
    if not sources.texts:
        raise NotKept("not kept: the text of the config that was in force then")
    return load(str(config), SavedFiles(config, sources.texts))


def compile_past(config: Path, state: Path, sources: SourceTexts) -> Snapshot:
    """Compile the config and the lists of an earlier moment, by the code of this release.

    Raises:
        NotKept: the texts, or lists, are not kept.
        RefusedToday: the config has errors for this release.
    """
    loaded = load_past(config, sources)
    if sources.lists is None:
        raise NotKept("not kept: which lists were in force then")
    lists = _KeptLists(config.parent, state, sources.lists)
    fetched = _KeptCopies(state, sources.fetched)
    if missing := [*lists.missing(), *fetched.missing()]:
        raise NotKept("not kept: " + "; ".join(missing))
    problems = list(loaded.problems)
    read = read_lists(config.parent, fetched, loaded, problems, lists)
    logo = read_logo(config, loaded, [])  # as it is now, or none: it decides nothing
    snapshot, snapshot_problems = compile_snapshot(loaded, read, logo=logo)
    errors = [
        str(problem) for problem in (*problems, *snapshot_problems) if problem.severity == "error"
    ]
    if errors:
        title = "this release finds errors in the config of then, and does not say what it decided:"
        raise RefusedToday("\n".join([title, *errors]))
    return snapshot


class _KeptLists:
    """The agency's own lists as they were (``block_lists.ListFiles``)."""

    def __init__(self, base: Path, state: Path, hashes: Mapping[str, str]) -> None:
        self._base = base
        self._archive = ListArchive(state)
        self._from_medium = _normal(ShippedLists(state).current)
        self._hashes = hashes
        self._by_path = {_normal(base / file): sha256 for file, sha256 in hashes.items()}

    def missing(self) -> Iterator[str]:
        """Those that are not kept."""
        for file, sha256 in self._hashes.items():
            if self._content(self._base / file, sha256) is None:
                yield f"the list {file} (SHA-256 {sha256})"

    def directory(self, path: Path) -> list[Path]:
        """Those that were read of a directory; none where it had none."""
        files = [file for file in self._by_path if file.parent == _normal(path)]
        if not files and is_shipped(path):
            return sorted(file for file in self._by_path if file.parent == self._from_medium)
        return sorted(path / file.name for file in files)

    def content(self, path: Path) -> bytes:
        """What a list had; OSError where it was not there."""
        sha256 = self._by_path.get(_normal(path), "")
        content = self._content(path, sha256)
        if content is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
        return content

    def _content(self, path: Path, sha256: str) -> bytes | None:
        """From the archive; or from the disk, where the list is as it was."""
        with contextlib.suppress(OSError):
            content = read_regular(path, MAX_LIST_BYTES)
            if hashlib.sha256(content).hexdigest() == sha256:
                return content
        return self._archive.content(sha256)


class _KeptCopies:
    """The copies of fetched lists that were used (``block_lists.FetchedCopies``)."""

    def __init__(self, state: Path, hashes: Mapping[str, str]) -> None:
        self._archive = ListArchive(state)
        self._store = ListStore(state)
        self._hashes = hashes

    def missing(self) -> Iterator[str]:
        """Those that are not kept."""
        for name, sha256 in self._hashes.items():
            if not any(self.copies(name)):
                yield f"the copy of the fetched list {name} (SHA-256 {sha256})"

    def copies(self, name: str) -> Iterator[StoredCopy]:
        """The copy that was used, if there was one; in the format that the config of then says."""
        sha256 = self._hashes.get(name)
        if sha256 is None:
            return
        for copy in self._store.copies(name):
            if copy.sha256 == sha256:
                yield copy
                return
        content = self._archive.content(sha256)
        if content is not None:
            yield StoredCopy(Path(), content, sha256, "", newest=True)

    def damage(self, _: str) -> str:
        """A list that had no copy was never fetched."""
        return ""

    def record(self, _: str) -> ListRecord:
        """Nothing is known of its fetches."""
        return ListRecord()


def _normal(path: Path) -> Path:
    return Path(os.path.normpath(path))
