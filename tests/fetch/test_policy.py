"""Fetching the policy with the real git: what it must not use, and what it says."""

import asyncio
from pathlib import Path

import pytest

from resolver.fetch import policy
from resolver.fetch.policy import FetchedCommit, NotFetched
from resolver.policy.settings import PolicySource
from resolver.snapshot.policy_tree import PolicyTree
from tests.live.policy_repository import SIGNER, PolicyRepository, policy_repository
from tests.live.ports import free_port

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


def test_the_files_are_those_of_the_commit(repository: PolicyRepository, tree: PolicyTree) -> None:
    fetched = _fetch(repository, tree)
    assert fetched == FetchedCommit(repository.head(), SIGNER)
    directory = tree.directory(fetched.commit)
    for file in ("config.toml", "blocklists/pager.txt"):
        assert (directory / file).read_bytes() == (repository.path / file).read_bytes()
    assert [each.name for each in directory.parent.iterdir()] == [fetched.commit]


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
