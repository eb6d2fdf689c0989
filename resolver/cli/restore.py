"""Put a config and its lists of an earlier moment in force again, for ``darban history``.

Files in the config's folder are written as they were then: config.toml, what it includes, and the
agency's own lists. A list elsewhere (of the release, or fetched) is not this command's to write. If
it differs, the report names it.
"""

import hashlib
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from resolver.cli.activation import Refused, activate, content_of, replaced, texts_as
from resolver.cli.command import echo, print_json
from resolver.cli.reload import result_text
from resolver.cli.server import policy_in_force
from resolver.compiler.candidate import SourceTexts
from resolver.config.load import load
from resolver.config.reading import read_merged
from resolver.errors import DarbanError
from resolver.snapshot import store
from resolver.snapshot.config_files import (
    DiskFiles,
    SavedFiles,
    difference,
    is_pulled,
    without_pulled,
)
from resolver.snapshot.list_archive import ListArchive
from resolver.snapshot.list_store import ListStore
from resolver.snapshot.state_owner import as_owner
from resolver.supervisor import control
from resolver.supervisor.audit_log import AuditEntry, AuditLog


def restore(path: Path, entry: AuditEntry, described: str, as_json: bool) -> int:
    """Restore what an entry of the audit log put in force; the exit code."""
    before = policy_in_force(path).snapshot  # before anything is read: a server must run
    state = store.directory(path)
    with as_owner(state):
        then = AuditLog(state).sources(entry)
    if not then.texts:
        raise DarbanError(f"config {entry.config or 'unknown'}: its text was not kept")
    plan = _Plan(path, then)
    changes = plan.difference()
    if not as_json:
        echo("\n".join([described, changes.rstrip() or "its files are as they were", *plan.left]))
    answer: control.Answer = {}
    with suppress(Refused), replaced(path, plan.others):
        answer = activate(path, plan.texts, "restore", before, keep=True, accept=True)
        if answer["code"]:
            raise Refused
    if as_json:
        print_json({**answer, "diff": changes, "not_restored": plan.left})
    else:
        echo(result_text(path, answer))
        echo(f"{path} and its lists are as they were" if answer["code"] else _KEPT)
    return int(answer["code"])


_KEPT = "each file that was replaced is kept beside it, as NAME.old"


_FROM_GIT = "the policy from git stays as it is; another commit changes it"


class _Plan:
    """The files to write, and what cannot be restored."""

    def __init__(self, path: Path, then: SourceTexts) -> None:
        self.path = path
        self.then = then
        self.texts = texts_as(path, then.texts)
        """The files of the config, by their paths relative to its folder."""
        self.others: dict[str, bytes | None] = {}
        """Lists, and files to remove: None; by their paths relative to its folder."""
        self.left: list[str] = []
        """What stays as it is now, and why."""
        self._folder = path.parent.resolve()
        files = DiskFiles(path)
        read_merged(str(path), files)
        now = files.texts(path.parent)
        if any(is_pulled(path, file) for file in (*now, *then.texts)):
            self.left.append(_FROM_GIT)
        self._now = without_pulled(path, now)
        """The server's own files as they are now."""
        for file in {**self.texts, **self._now}:
            self._check(file)
            if file not in self.texts:
                self.others[file] = None
        if self.then.lists is None:
            self.left.append("lists: those of now, since it is not known which there were")
        else:
            self._add_lists(self.then.lists)

    def difference(self) -> str:
        """From the files as they are now to those of then."""
        before, after = dict(self._now), dict(self.texts)
        for file, content in self.others.items():
            before.setdefault(file, _text(content_of(self.path, file)))
            after[file] = _text(content)
        return difference(before, after)

    def _check(self, file: str) -> None:
        """Raise where a file of the config is not in its folder, and differs."""
        if not self._is_inside(file) and self.texts.get(file) != self._now.get(file):
            raise DarbanError(
                f"{file} is outside of {self._folder}, and differs from what was in force: "
                "restore it by hand; 'darban history --at MOMENT --json' has its text"
            )

    def _is_inside(self, file: str) -> bool:
        return (self.path.parent / file).resolve().is_relative_to(self._folder)

    def _relative(self, file: str) -> str:
        return os.path.relpath(self.path.parent / file, self.path.parent)

    def _add_lists(self, lists: Mapping[str, str]) -> None:
        lists = {file: sha for file, sha in lists.items() if not is_pulled(self.path, file)}
        differing = {file: sha for file, sha in lists.items() if self._hash(file) != sha}
        state = store.directory(self.path)
        with as_owner(state):
            archive, fetched = ListArchive(state), ListStore(state)
            contents = {file: archive.content(sha) for file, sha in differing.items()}
            for name, sha in self.then.fetched.items():
                if sha != fetched.record(name).sha256:
                    self.left.append(f"{name}: fetched since; the copy of now is used")
        for file, content in contents.items():
            if not self._is_inside(file):
                self.left.append(f"{file}: differs, and is outside of {self._folder}")
            elif content is None:
                self.left.append(f"{file}: what it was then is not kept; it stays as it is")
            else:
                self.others[self._relative(file)] = content
        for file in self._own_lists():
            if is_pulled(self.path, file):
                continue
            if file not in lists and self._is_inside(file):
                self.others[self._relative(file)] = None
            elif file not in lists:
                self.left.append(f"{file}: was not there, and is outside of {self._folder}")

    def _own_lists(self) -> list[str]:
        """The lists that lie now in the directories of the config of then."""
        config = load(str(self.path), SavedFiles(self.path, self.texts)).config
        with as_owner(store.directory(self.path)):
            return [
                str(Path(directory) / file.name)
                for directory in config.lists.directories
                for file in sorted((self.path.parent / directory).glob("*.txt"))
            ]

    def _hash(self, file: str) -> str:
        content = content_of(self.path, file)
        return "" if content is None else hashlib.sha256(content).hexdigest()


def _text(content: bytes | None) -> str:
    return "" if content is None else content.decode(errors="replace")
