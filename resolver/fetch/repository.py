"""Fetch the policy from git: the newest commit of a branch, if it may be used.

A commit may be used if it descends from the commit in force, and if git's own check of its
signature, and of the signature of every commit in between, passes with the keys of the allowed
signers. So neither a stolen server nor an old copy can put anything in force that the signers have
not, or have replaced since. Where no commit is in force, the signature of the newest alone vouches
for its files. What may be used is kept, and written as files beside those in force; what may not
is removed. Whether it works here is for the caller to check.
"""

import contextlib
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from resolver import DarbanError
from resolver.fetch import signatures
from resolver.fetch.git import LONG, GitFailed, run_git
from resolver.fetch.policy_tree import PolicyTree
from resolver.fetch.signatures import CommitSignature
from resolver.policy.settings import PolicySource
from resolver.system.files import atomic_directory, make_directory, rename_synced
from resolver.system.log import log

_FETCHED, _IN_FORCE = "refs/darban/fetched", "refs/darban/in-force"


@contextlib.asynccontextmanager
async def quarantined(tree: PolicyTree) -> AsyncIterator[None]:
    """Let ``tree.incoming`` be a repository without references while the body runs.

    git fetches into it, so that only what may be used comes to the commits that are kept. It sees
    these, and is removed whatever comes of the fetch. What is left of a fetch that was killed, the
    next fetch and the next start remove.

    Raises GitFailed and OSError.
    """
    tree.remove_incoming()
    try:
        for place in (tree.repository, tree.incoming):
            if not (place / "HEAD").exists():
                make_directory(place)
                await run_git(place, "init", "--quiet", "--bare", "--template=")
        info = tree.incoming / "objects/info"
        info.mkdir(exist_ok=True)
        (info / "alternates").write_text(f"../../{tree.repository.name}/objects\n")
        yield
    finally:
        tree.remove_incoming()


async def release(tree: PolicyTree) -> None:
    """Keep what the references of ``tree.incoming`` lead to; raises GitFailed and OSError.

    It is packed anew, since a server can send more than the commits that it was asked for.
    """
    fetched = tree.incoming / "objects/pack"
    if not any(fetched.glob("*.pack")):
        return  # it was here already
    await run_git(tree.incoming, "repack", "-a", "-d", "-l", "--quiet", seconds=LONG)
    for suffix in (".pack", ".rev", ".idx"):  # git looks for the last
        for file in fetched.glob(f"*{suffix}"):
            rename_synced(file, tree.repository / "objects/pack" / file.name)


@dataclass(frozen=True, slots=True)
class FetchedCommit:
    """A commit, and who signed it: a principal of the allowed signers."""

    commit: str
    signer: str = ""
    dated: float = 0.0
    """When its signer says that it was made, in seconds since 1970."""

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
    """The copy of the repository in the state directory, and what is fetched into it."""

    def __init__(self, config: Path, tree: PolicyTree, source: PolicySource) -> None:
        """The allowed signers are a file relative to ``config``."""
        self._tree = tree
        self._kept = partial(run_git, tree.repository)
        self._incoming = partial(run_git, tree.incoming)
        self._source = source
        self._signers = config.parent.resolve() / source.allowed_signers

    async def fetch(self, bundle: Path | None = None) -> FetchedCommit:
        """Fetch the branch, or take it from a bundle; its newest commit, whose files are written.

        Raises:
            NotFetched: it could not be fetched.
            CommitRefused: it must not be used.
        """
        try:
            async with quarantined(self._tree):
                commit = await self._newest(str(bundle or self._source.repository))
                record = self._tree.record()
                current = "" if record is None or record.commit == commit else record.commit
                if current:
                    await self._must_descend(commit, current)
                signature = await self._signature(commit, current)
                fetched = FetchedCommit(commit, signature.signer, signature.dated)
                await release(self._tree)
            await write_files(self._tree, commit)
        except GitFailed as error:
            place = f"{bundle or self._source.repository} into {self._tree.repository}"
            raise NotFetched(f"{place}: {error}{_scarce(self._tree.repository.parent)}") from None
        except OSError as error:
            path = error.filename or self._tree.repository
            raise NotFetched(f"{path}: {error.strerror}") from None
        return fetched

    async def keep(self, commit: str) -> None:
        """Keep a commit that is in force, so that git never removes it, whatever is fetched later.

        If that fails, nothing wrong comes in force: no commit descends from one that is missing.
        """
        with contextlib.suppress(GitFailed):
            await self._kept("update-ref", _IN_FORCE, commit)
            await self._kept("gc", "--auto", "--quiet", seconds=LONG)

    async def _newest(self, repository: str) -> str:
        branch = f"+refs/heads/{self._source.branch}:{_FETCHED}"
        options = ("--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules")
        fetch = ("fetch", "--no-auto-maintenance", *options, "--", repository, branch)
        await self._incoming(*fetch, seconds=LONG)
        commit, _ = await self._incoming("rev-parse", "--verify", f"{_FETCHED}^{{commit}}")
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
        _, code = await self._incoming(*question, good=(0, 1, 128))
        return code == 0

    async def _signature(self, commit: str, current: str) -> CommitSignature:
        """What git says of the signature; CommitRefused where its check does not pass.

        With ``current``, all commits since it are checked. A check that git could not make, as on
        a full disk, would look like a missing signature.
        """
        with self._signers.open("rb"):
            pass  # git would only say that no signer is known
        question = signatures.question(commit, f"^{current}" if current else "--max-count=1")
        options = signatures.options(self._signers)
        printed, _ = await self._incoming(
            *question, options=options, seconds=LONG, errors_fail=True
        )
        newest, *older = signatures.read(printed)
        if newest.commit != commit:
            raise GitFailed(f"git log has not begun with commit {commit}")
        if newest.fault:
            raise CommitRefused(FetchedCommit(commit), f"{newest.fault} ({self._signers})")
        fetched = FetchedCommit(commit, newest.signer)
        wrong = [signature for signature in older if signature.fault]
        if wrong:
            reason = (
                f"{len(wrong)} of the {len(older) + 1} commits since commit {current}, which is in "
                f"force, must not be used; the oldest of these is commit {wrong[-1].commit}: "
                f"{wrong[-1].fault} ({self._signers})"
            )
            raise CommitRefused(fetched, reason)
        if len(older) >= signatures.MOST:
            reason = (
                f"it comes more than {signatures.MOST:,} commits after commit {current}, which is "
                "in force, and no more signatures are checked. Read the changes in a clone; then "
                f"remove {self._tree.record_file}, and the next pull accepts the newest commit by "
                "its own signature"
            )
            raise CommitRefused(fetched, reason)
        return newest


def _scarce(directory: Path) -> str:
    """What is left of a disk that is nearly full: git does not always say so."""
    free = shutil.disk_usage(directory).free
    return f" ({free >> 10} KiB are left on the disk)" if free < 1 << 20 else ""


async def write_files(tree: PolicyTree, commit: str) -> None:
    """Write the files of a commit into the tree's directory, unless they are there as git has them.

    Raises GitFailed and OSError.
    """
    directory = tree.directory(commit)
    was_there = directory.is_dir()
    if was_there and await _as_committed(tree, commit):
        return
    with (
        atomic_directory(directory) as temporary,
        _index(Path(f"{temporary}.index"), temporary) as environment,
    ):
        await run_git(tree.repository, "read-tree", commit, environment=environment)
        checkout = ("checkout-index", "--all", f"--prefix={temporary}{os.sep}")
        await run_git(tree.repository, *checkout, environment=environment)
        shutil.rmtree(directory, ignore_errors=True)
    if was_there:
        log.warning("%s: files were not as in the commit; they are written anew", directory)


async def _as_committed(tree: PolicyTree, commit: str) -> bool:
    """Whether git finds the files of a commit in the tree's directory, each with its content."""
    directory = tree.directory(commit)
    with _index(directory.with_name(f".{commit}.index"), directory) as environment:
        await run_git(tree.repository, "read-tree", commit, environment=environment)
        compare = ("update-index", "--really-refresh")
        _, code = await run_git(tree.repository, *compare, environment=environment, good=(0, 1))
    return code == 0


@contextlib.contextmanager
def _index(index: Path, directory: Path) -> Iterator[dict[str, str]]:
    """The environment in which git has an index of its own for a directory."""
    try:
        yield {"GIT_INDEX_FILE": str(index), "GIT_WORK_TREE": str(directory)}
    finally:
        index.unlink(missing_ok=True)
