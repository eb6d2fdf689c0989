"""Fetching the policy with the real git: what it must not use, and what it says."""

import asyncio
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from resolver.fetch import repository as policy
from resolver.fetch import signatures
from resolver.fetch.policy_tree import PolicyTree, PulledPolicy
from resolver.fetch.repository import CommitRefused, FetchedCommit, NotFetched
from resolver.policy.settings import PolicySource
from tests.live import pack_bombs
from tests.live.policy_repository import OTHER, SIGNER, PolicyRepository, policy_repository
from tests.live.ports import free_port
from tests.live.programs import lacking

pytestmark = pytest.mark.processes


@pytest.fixture
def repository(tmp_path: Path) -> PolicyRepository:
    return policy_repository(tmp_path)


@pytest.fixture
def tree(tmp_path: Path) -> PolicyTree:
    return PolicyTree(tmp_path / "state")


def _fetch(
    repository: PolicyRepository, tree: PolicyTree, branch: str = "stable", url: str = ""
) -> FetchedCommit:
    source = PolicySource(url or str(repository.path), branch, "allowed_signers", 0)
    config = repository.keys / "config.toml"
    return asyncio.run(policy.PolicyRepository(config, tree, source).fetch())


def _put_in_force(repository: PolicyRepository, tree: PolicyTree) -> str:
    """Let the newest commit be the one in force."""
    commit = _fetch(repository, tree).commit
    tree.write(PulledPolicy(commit, SIGNER, 0, 0))
    return commit


def _kept(tree: PolicyTree) -> list[str]:
    """The objects that are kept; what is fetched must be gone."""
    assert not tree.incoming.exists()
    command = ("git", "-C", tree.repository, "cat-file", "--batch-all-objects", "--batch-check")
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()


def test_the_files_are_those_of_the_commit(repository: PolicyRepository, tree: PolicyTree) -> None:
    fetched = _fetch(repository, tree)
    dated = float(repository.git("log", "-1", "--format=%ct"))
    assert fetched == FetchedCommit(repository.head(), SIGNER, dated)
    directory = tree.directory(fetched.commit)
    for file in ("config.toml", "blocklists/pager.txt"):
        assert (directory / file).read_bytes() == (repository.path / file).read_bytes()
    assert [path.name for path in directory.parent.iterdir()] == [fetched.commit]


def test_a_link_is_not_followed(repository: PolicyRepository, tree: PolicyTree) -> None:
    (repository.path / "link").symlink_to("/etc/passwd")
    repository.commit()
    fetched = _fetch(repository, tree)
    link = tree.directory(fetched.commit) / "link"
    assert not link.is_symlink()
    assert link.read_text() == "/etc/passwd"


def test_no_config_of_this_machine_is_used(
    repository: PolicyRepository,
    tree: PolicyTree,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ran = tmp_path / "ran"
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    hook = hooks / "reference-transaction"
    hook.write_text(f"#!/bin/sh\ntouch {ran}\n")
    hook.chmod(0o755)
    config = tmp_path / "gitconfig"
    config.write_text(
        f'[core]\nhooksPath = {hooks}\n[filter "x"]\nsmudge = touch {ran}; cat\n'
        "[gpg]\nminTrustLevel = undefined\n"
    )
    repository.write(".gitattributes", "* filter=x\n")
    repository.commit()
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", str(config))
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    _fetch(repository, tree)
    assert not ran.exists()


@pytest.mark.parametrize("branch", ["canary", "stable/x"])
def test_a_branch_that_is_missing(
    repository: PolicyRepository, tree: PolicyTree, branch: str
) -> None:
    with pytest.raises(NotFetched, match=f"couldn't find remote ref refs/heads/{branch}"):
        _fetch(repository, tree, branch)


@pytest.mark.parametrize(
    ("scheme", "why"),
    [
        ("https", "Failed to connect"),
        ("ssh", "Connection refused"),
        ("http", "transport 'http' not allowed"),
        ("git", "transport 'git' not allowed"),
    ],
)
def test_only_https_and_ssh_are_asked(
    repository: PolicyRepository, tree: PolicyTree, scheme: str, why: str
) -> None:
    if scheme == "ssh" and Path("/etc/ssh").exists() and Path("/etc/ssh").stat().st_uid:
        lacking("ssh refuses a config that is not root's, as in a user namespace: run it as root")
    with pytest.raises(NotFetched, match=why):
        _fetch(repository, tree, url=f"{scheme}://127.0.0.1:{free_port()}/policy.git")


def test_signers_that_cannot_be_read(repository: PolicyRepository, tree: PolicyTree) -> None:
    repository.allowed.unlink()
    with pytest.raises(NotFetched, match="allowed_signers: No such file or directory"):
        _fetch(repository, tree)


def test_git_is_not_installed(
    repository: PolicyRepository, tree: PolicyTree, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(NotFetched, match="apt install git openssh-client"):
        _fetch(repository, tree)


def _beneath(signer: str) -> Callable[[PolicyRepository], str]:
    """A commit by this signer, and a good one on top of it."""

    def commit(repository: PolicyRepository) -> str:
        made = repository.commit(signer)
        repository.commit()
        return made

    return commit


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (_beneath(""), "it has no signature"),
        (_beneath(OTHER), "its key is not among the allowed signers"),
        (PolicyRepository.merge, "it has no signature"),
    ],
    ids=["unsigned", "by another key", "unsigned and merged"],
)
def test_every_commit_since_the_one_in_force_must_be_signed(
    repository: PolicyRepository,
    tree: PolicyTree,
    change: Callable[[PolicyRepository], str],
    why: str,
) -> None:
    in_force = _put_in_force(repository, tree)
    kept = _kept(tree)
    repository.block("unseen.example")
    unsigned = change(repository)
    with pytest.raises(CommitRefused) as refused:
        _fetch(repository, tree)
    said = str(refused.value)
    assert said.startswith(f"commit {repository.head()}, signed by {SIGNER}: refused: 1 of the ")
    assert f"commits since commit {in_force}, which is in force" in said
    assert f"commit {unsigned}: {why}" in said
    assert _kept(tree) == kept
    assert [path.name for path in tree.directory("").iterdir()] == [in_force]


def test_a_signed_commit_that_does_not_descend_from_the_one_in_force_is_refused(
    repository: PolicyRepository, tree: PolicyTree
) -> None:
    older = repository.head()
    repository.commit()
    in_force = _put_in_force(repository, tree)
    repository.git("reset", "--quiet", "--hard", older)
    with pytest.raises(CommitRefused, match=f"older than commit {in_force}, which is in force"):
        _fetch(repository, tree)
    repository.block("fork.example")
    repository.commit()
    with pytest.raises(CommitRefused, match=f"it does not descend from commit {in_force}, which"):
        _fetch(repository, tree)
    assert [path.name for path in tree.directory("").iterdir()] == [in_force]


def test_signed_commits_are_taken_however_many_and_merged(
    repository: PolicyRepository, tree: PolicyTree
) -> None:
    _put_in_force(repository, tree)
    for _ in range(3):
        repository.commit()
    repository.merge(SIGNER)
    fetched = _fetch(repository, tree)
    assert (fetched.commit, fetched.signer) == (repository.head(), SIGNER)


def test_the_date_is_that_of_the_newest_commit_as_it_was_signed(
    repository: PolicyRepository, tree: PolicyTree
) -> None:
    repository.commit(days_ago=40)
    older = _fetch(repository, tree)
    repository.commit(days_ago=3)
    newer = _fetch(repository, tree)
    assert newer.dated - older.dated == pytest.approx(37 * 86400, abs=600)
    assert newer.dated == float(repository.git("log", "-1", "--format=%ct"))


def test_at_first_the_newest_signature_vouches(
    repository: PolicyRepository, tree: PolicyTree
) -> None:
    repository.commit("")
    repository.commit()
    assert _put_in_force(repository, tree) == repository.head()


def test_more_commits_than_are_checked_are_refused(
    repository: PolicyRepository, tree: PolicyTree, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signatures, "MOST", 3)
    _put_in_force(repository, tree)
    for _ in range(3):
        repository.commit()
    _put_in_force(repository, tree)
    for _ in range(4):
        repository.commit()
    with pytest.raises(CommitRefused, match="it comes more than 3 commits after commit"):
        _fetch(repository, tree)
    tree.record_file.unlink()
    _put_in_force(repository, tree)


@pytest.mark.parametrize("bomb", [pack_bombs.deltas, pack_bombs.message])
def test_a_small_bundle_of_large_objects_is_refused(
    repository: PolicyRepository,
    tree: PolicyTree,
    tmp_path: Path,
    bomb: Callable[[Path, int], None],
) -> None:
    _put_in_force(repository, tree)
    kept = _kept(tree)
    bundle = tmp_path / "bomb.bundle"
    bomb(bundle, 300)
    assert bundle.stat().st_size < pack_bombs.MIB
    with pytest.raises(NotFetched, match=r"Out of memory.*git may use 256 MiB of memory"):
        _fetch(repository, tree, url=str(bundle))
    assert _kept(tree) == kept


def test_git_and_its_children_are_limited_before_they_begin(
    repository: PolicyRepository,
    tree: PolicyTree,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told = tmp_path / "told"
    ssh = tmp_path / "ssh"
    ssh.write_text(
        f"#!/bin/sh\n(ulimit -v; ulimit -f; cat /proc/self/oom_score_adj; nice) >{told}\n"
    )
    ssh.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with pytest.raises(NotFetched):
        _fetch(repository, tree, url="ssh://127.0.0.1/policy.git")
    nice = str(os.nice(0) + 10)
    assert told.read_text().split() == [str(256 << 10), str(256 << 11), "500", nice]


def test_what_else_a_server_sends_is_not_kept(
    repository: PolicyRepository, tree: PolicyTree, tmp_path: Path
) -> None:
    commit = _put_in_force(repository, tree)
    repository.write("ballast", "of nobody's commit")
    ballast = repository.git("hash-object", "-w", "ballast")
    (repository.path / "ballast").unlink()
    newest = repository.commit()
    objects = tmp_path / "objects"
    objects.write_text(f"{newest}\n{ballast}\n")
    with objects.open() as given, (tmp_path / "more.bundle").open("wb") as bundle:
        bundle.write(f"# v2 git bundle\n-{commit}\n{newest} refs/heads/stable\n\n".encode())
        bundle.flush()
        command = ("git", "-C", repository.path, "pack-objects", "--stdout", "--quiet")
        subprocess.run(command, stdin=given, stdout=bundle, check=True)
    fetched = _fetch(repository, tree, url=bundle.name)
    assert fetched.commit == newest
    kept = "\n".join(_kept(tree))
    assert newest in kept
    assert ballast not in kept


def test_what_a_killed_fetch_has_left_goes(repository: PolicyRepository, tree: PolicyTree) -> None:
    for remove in (tree.restore, lambda: _put_in_force(repository, tree)):
        tree.incoming.mkdir(parents=True)
        (tree.incoming / "HEAD").write_text("ref: refs/heads/half\n")
        remove()
        assert not tree.incoming.exists()
