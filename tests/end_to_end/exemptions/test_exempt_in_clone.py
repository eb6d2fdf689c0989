"""``darban exempt --repo``: the signer signs nothing on top of what nobody has signed."""

from pathlib import Path

import pytest

from tests.live.commands import GOOD, NO, WRONG, Done, darban
from tests.live.policy_repository import OTHER, PolicyRepository, policy_repository

WORDS = ("127.0.10.5", "pager", "--for", "2h", "--approver", "CIO", "--ticket", "IT-7")


@pytest.fixture
def clone(tmp_path: Path) -> PolicyRepository:
    return policy_repository(tmp_path)


def _exempt(clone: PolicyRepository, *more: str) -> Done:
    return darban("exempt", "--repo", clone.path, *WORDS, *more, at=clone.keys)


def _refused(clone: PolicyRepository, unsigned: str) -> str:
    """What is said where an exemption is refused, and nothing is written or committed."""
    head = clone.head()
    done = _exempt(clone)
    assert done.code == NO, done.out + done.err
    assert f"  {unsigned}: " in done.err
    assert "servers refuse what comes after" in done.err
    assert not clone.git("status", "--porcelain")
    assert clone.head() == head
    return done.err


@pytest.mark.parametrize("signer", ["", OTHER])
def test_an_unsigned_commit_is_named_and_shown(clone: PolicyRepository, signer: str) -> None:
    base = clone.head()
    clone.write(".gitattributes", "* -diff\n")
    clone.block("new.example")
    unsigned = clone.commit(signer)
    said = _refused(clone, unsigned)
    assert "+||new.example^" in said
    assert f"This has changed since commit {base}." in said
    clone.git("reset", "--quiet", "--hard", base)
    assert _exempt(clone).code == GOOD


def test_one_beneath_a_signed_commit_is_found(clone: PolicyRepository) -> None:
    unsigned = clone.commit("")
    clone.commit()
    _refused(clone, unsigned)


def test_one_beneath_a_signed_merge_is_found(clone: PolicyRepository) -> None:
    assert _exempt(clone).code == GOOD
    _refused(clone, clone.merge())


def test_what_is_in_force_is_not_asked_for_again(clone: PolicyRepository) -> None:
    unsigned = clone.commit("")
    in_force = clone.commit()
    _refused(clone, unsigned)
    clone.git("update-ref", "refs/darban/checked", in_force)
    assert _exempt(clone).code == GOOD
    later = clone.commit("")
    assert in_force in _refused(clone, later)


def test_commits_before_the_first_signed_one_do_not_count(clone: PolicyRepository) -> None:
    tree = clone.git("rev-parse", "HEAD^{tree}")
    first = clone.git("commit-tree", "-m", "before anybody signed", tree)
    clone.git("reset", "--quiet", "--hard", first)
    _refused(clone, first)
    clone.commit()
    assert _exempt(clone).code == GOOD


def test_without_allowed_signers_nothing_is_signed(clone: PolicyRepository) -> None:
    clone.git("config", "--unset", "gpg.ssh.allowedSignersFile")
    done = _exempt(clone)
    assert done.code == WRONG
    assert "config gpg.ssh.allowedSignersFile FILE" in done.err
    assert not clone.git("status", "--porcelain")


def test_json_has_the_difference(clone: PolicyRepository) -> None:
    done = _exempt(clone, "--json")
    assert done.code == GOOD, done.err
    assert '+ticket = "IT-7"' in str(done.json["difference"])
