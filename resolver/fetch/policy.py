"""Fetch the policy from git: the newest commit of a branch, if it may be used.

A commit may be used if git's own check of its signature passes with the keys of the allowed
signers, and if it descends from the commit in force. So neither a stolen server nor an old copy
can put anything in force that the signers have not, or have replaced since. What may be used is
written as files beside those in force. Whether it works here is for the caller to check.
"""

import contextlib
import os
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from resolver.errors import DarbanError
from resolver.fetch.git import GitFailed, run_git
from resolver.files import atomic_directory, make_directory
from resolver.policy.settings import PolicySource
from resolver.snapshot.policy_tree import PolicyTree

_FETCHED, _IN_FORCE = "refs/darban/fetched", "refs/darban/in-force"
_FETCH_SECONDS = 300.0
_WHY = {
    "N": "it has no signature",
    "U": "its key is not among the allowed signers",
    "B": "its signature is bad",
    "X": "its signature has expired",
    "Y": "its key has expired",
    "R": "its key is revoked",
}
"""By the letter that git gives to a signature, %G? of git-log(1)."""


@dataclass(frozen=True, slots=True)
class FetchedCommit:
    """A commit, and who signed it: a principal of the allowed signers."""

    commit: str
    signer: str = ""

    def __str__(self) -> str:
        return f"commit {self.commit}" + (f", signed by {self.signer}" if self.signer else "")


class NotFetched(DarbanError):
    """The repository could not be asked, or what it has cannot be read."""


class CommitRefused(DarbanError):
    """The commit must not be put in force."""

    code = 1

    def __init__(self, commit: FetchedCommit, reason: str) -> None:
        self.commit = commit
        super().__init__(f"{commit}: refused: {reason}")


class PolicyRepository:
    """The copy of the repository in the state directory."""

    def __init__(self, config: Path, tree: PolicyTree, source: PolicySource) -> None:
        """The allowed signers are a file relative to ``config``."""
        self._tree = tree
        self._git = partial(run_git, tree.repository)
        self._source = source
        self._signers = config.parent.resolve() / source.allowed_signers

    async def fetch(self, bundle: Path | None = None) -> FetchedCommit:
        """Fetch the branch, or take it from a bundle; its newest commit, whose files are written.

        Raises:
            NotFetched: it could not be fetched.
            CommitRefused: it must not be used.
        """
        try:
            if not (self._tree.repository / "HEAD").exists():
                make_directory(self._tree.repository)
                await self._git("init", "--quiet", "--bare", "--template=")
            commit = await self._newest(str(bundle or self._source.repository))
            record = self._tree.record()
            if record is not None and record.commit != commit:
                await self._must_descend(commit, record.commit)
            fetched = FetchedCommit(commit, await self._signer(commit))
            await self._write_files(commit)
        except GitFailed as error:
            place = f"{bundle or self._source.repository} into {self._tree.repository}"
            raise NotFetched(f"{place}: {error}") from None
        except OSError as error:
            path = error.filename or self._tree.repository
            raise NotFetched(f"{path}: {error.strerror}") from None
        return fetched

    async def keep(self, commit: str) -> None:
        """Keep a commit that is in force, so that git never removes it, whatever is fetched later.

        If that fails, nothing wrong comes in force: no commit descends from one that is missing.
        """
        with contextlib.suppress(GitFailed):
            await self._git("update-ref", _IN_FORCE, commit)

    async def _newest(self, repository: str) -> str:
        branch = f"+refs/heads/{self._source.branch}:{_FETCHED}"
        options = ("--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules")
        await self._git("fetch", *options, "--", repository, branch, seconds=_FETCH_SECONDS)
        commit, _ = await self._git("rev-parse", "--verify", f"{_FETCHED}^{{commit}}")
        return commit

    async def _must_descend(self, commit: str, current: str) -> None:
        if await self._descends(commit, current):
            return
        if await self._descends(current, commit):
            reason = f"it is older than commit {current}, which is in force"
        else:
            reason = f"it does not descend from commit {current}, which is in force"
        raise CommitRefused(FetchedCommit(commit), reason)

    async def _descends(self, commit: str, ancestor: str) -> bool:
        """Whether one descends from the other; False also where one does not exist."""
        question = ("merge-base", "--is-ancestor", ancestor, commit)
        _, code = await self._git(*question, good=(0, 1, 128))
        return code == 0

    async def _signer(self, commit: str) -> str:
        """Whom git says the signature is from; CommitRefused where its check does not pass.

        A check that git could not make, as on a full disk, would look like a missing signature.
        """
        with self._signers.open("rb"):
            pass  # git would only say that no signer is known
        allowed = (f"gpg.ssh.allowedSignersFile={self._signers}",)
        _, code = await self._git(
            "verify-commit", commit, options=allowed, good=(0, 1), errors_fail=True
        )
        options = (*allowed, "log.showSignature=no")
        shown, _ = await self._git(
            "log", "-1", "--format=%G?%GS", commit, options=options, errors_fail=True
        )
        letter, signer = shown[:1], shown[1:]
        if code or letter != "G" or not signer:
            why = _WHY.get(letter, "its signature cannot be checked")
            raise CommitRefused(FetchedCommit(commit), f"{why} ({self._signers})")
        return signer

    async def _write_files(self, commit: str) -> None:
        """Write the files of a commit into the tree's directory, whole or not at all."""
        directory = self._tree.directory(commit)
        if directory.is_dir():
            return
        with atomic_directory(directory) as aside:
            index = f"{aside}.index"
            environment = {"GIT_INDEX_FILE": index, "GIT_WORK_TREE": str(aside)}
            checkout = ("checkout-index", "--all", f"--prefix={aside}{os.sep}")
            try:
                await self._git("read-tree", commit, environment=environment)
                await self._git(*checkout, environment=environment)
            finally:
                Path(index).unlink(missing_ok=True)
