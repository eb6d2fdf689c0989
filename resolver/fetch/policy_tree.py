"""The policy that was pulled from git, in the state directory.

``policy`` is a link to the files of the commit in force, below ``policy-trees``. The record names
that commit. To put another commit in force, the link is switched, the config is compiled, and the
link is switched back where that fails. Only then the record gets its name, which needs no room on
the disk. So a server that ended in between restores the link by the record, before it compiles
anything.
"""

import contextlib
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from resolver import DarbanError
from resolver.snapshot.config_files import PULLED_POLICY
from resolver.system.files import atomic_file, make_directory, replace_link
from resolver.system.stored import read_fields

QUESTIONS = "questions.tsv"
"""In the state directory: the recorded questions that a policy is tried with."""


@dataclass(frozen=True, slots=True)
class PulledPolicy:
    """The commit in force; moments are in seconds since 1970."""

    commit: str
    signer: str
    applied: float
    """When it was put in force."""
    pulled: float
    """When the repository last had nothing newer, or this commit."""
    dated: float = 0.0
    """When its signer says that it was made; 0 where an earlier release has recorded it."""

    def expiry(self, days: int) -> float:
        """When the commit has been the newest for too long; 0 for never.

        It counts from its date, and from when it was put in force where that came first: a date in
        the future prolongs nothing.
        """
        return min(self.dated, self.applied) + days * 86400.0 if self.dated and days else 0.0

    def expired(self, days: int, now: float) -> list[str]:
        """What a person who pulls should read, where the commit has expired."""
        return [_EXPIRED.format(days=days)] if 0 < self.expiry(days) <= now else []


_EXPIRED = (
    "the commit is more than {days} days old, so the repository may be frozen: compare it with a "
    "signer's clone"
)


class DamagedRecord(DarbanError):
    """The record of the commit in force cannot be read."""


class PolicyTree:
    """The commits of the policy in a state directory; methods raise OSError."""

    def __init__(self, state: Path) -> None:
        self.record_file = state / "policy.json"
        """Which commit is in force."""
        self._trees = state / "policy-trees"
        self.current = state / PULLED_POLICY
        """The files of the policy in force."""
        self.repository = state / "policy.git"
        """All commits that were fetched and may be used."""
        self.incoming = state / "policy.git-incoming"
        """What is being fetched; nothing of it may be used."""

    def record(self) -> PulledPolicy | None:
        """The commit in force; None where none was pulled.

        Raises:
            DamagedRecord: it is unknown which commits are older than the one in force.
        """
        try:
            return read_fields(PulledPolicy, json.loads(self.record_file.read_bytes()))
        except FileNotFoundError:
            return None
        except (ValueError, TypeError, AttributeError):
            raise DamagedRecord(
                f"{self.record_file}: damaged, so it is not known which commits are older than "
                "the one in force; remove it, and the next pull trusts the newest by its signature"
            ) from None

    @contextlib.contextmanager
    def writing(self, record: PulledPolicy) -> Iterator[None]:
        """Record this as the commit in force at the end, and remove the files of other commits.

        If the disk is full, the body does not run. If the body raises, the old record stays.
        """
        with atomic_file(self.record_file) as file:
            file.write(json.dumps(asdict(record)).encode())
            file.flush()
            os.fsync(file.fileno())
            yield
        for tree in self._trees.iterdir():
            if tree.name != record.commit:
                shutil.rmtree(tree, ignore_errors=True)

    def write(self, record: PulledPolicy) -> None:
        """Record this as the commit in force, and remove the files of other commits."""
        with self.writing(record):
            pass

    def directory(self, commit: str) -> Path:
        """Where the files of a commit are."""
        return self._trees / commit

    def linked_commit(self) -> str:
        """The commit that the link leads to; empty where there is no link."""
        return self.current.readlink().name if self.current.is_symlink() else ""

    def switch(self, commit: str) -> None:
        """Let the link lead to the files of a commit; with an empty one, remove the link."""
        if not commit:
            self.current.unlink(missing_ok=True)
            return
        make_directory(self._trees)
        replace_link(self.current, self.directory(commit))

    def remove_incoming(self) -> None:
        """Remove the commits that were fetched and may not be used."""
        shutil.rmtree(self.incoming, ignore_errors=True)

    def restore(self) -> None:
        """Let the link lead to the commit of the record, and remove what is being fetched."""
        self.remove_incoming()
        record = self.record()
        if record is not None or self.current.is_symlink():
            self.switch("" if record is None else record.commit)
