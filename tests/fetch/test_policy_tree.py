"""The commit that ``policy`` leads to, whenever a server ends."""

from pathlib import Path

import pytest

from resolver.fetch.policy_tree import DamagedRecord, PolicyTree, PulledPolicy


@pytest.fixture
def tree(tmp_path: Path) -> PolicyTree:
    """With the files of two commits, of which the first is in force."""
    tree = PolicyTree(tmp_path)
    for commit in ("one", "two"):
        tree.directory(commit).mkdir(parents=True)
        (tree.directory(commit) / "config.toml").write_text(commit)
    tree.switch("one")
    (tmp_path / "policy.json").write_text(
        '{"commit": "one", "signer": "noc", "applied": 1.0, "pulled": 2.0}'
    )
    return tree


def _text(tree: PolicyTree) -> str:
    return (tree.current / "config.toml").read_text()


def test_a_server_that_ended_amid_a_switch_goes_back(tree: PolicyTree) -> None:
    tree.switch("two")
    assert _text(tree) == "two"
    tree.restore()
    assert _text(tree) == "one"


def test_a_first_commit_that_was_not_put_in_force_is_gone(tree: PolicyTree, tmp_path: Path) -> None:
    (tmp_path / "policy.json").unlink()
    tree.restore()
    assert not tree.current.is_symlink()
    tree.restore()


def test_the_files_of_others_are_removed(tree: PolicyTree) -> None:
    tree.switch("two")
    record = PulledPolicy("two", "noc", 3.0, 3.0)
    tree.write(record)
    assert tree.record() == record
    assert _text(tree) == "two"
    assert not tree.directory("one").exists()


def test_a_damaged_record_permits_nothing(tree: PolicyTree, tmp_path: Path) -> None:
    (tmp_path / "policy.json").write_text('{"commit": "on')
    with pytest.raises(DamagedRecord, match="damaged"):
        tree.record()
    with pytest.raises(DamagedRecord):
        tree.restore()
    assert _text(tree) == "one"


DAY = 86400.0
APPLIED = 1000 * DAY


@pytest.mark.parametrize(
    ("dated", "days", "expiry"),
    [
        (APPLIED - 5 * DAY, 30, APPLIED + 25 * DAY),
        (APPLIED, 30, APPLIED + 30 * DAY),
        (APPLIED + 5 * DAY, 30, APPLIED + 30 * DAY),
        (2.0**63, 30, APPLIED + 30 * DAY),
        (1.0, 30, 1 + 30 * DAY),
        (APPLIED, 0, 0.0),
        (0.0, 30, 0.0),
    ],
    ids=["past", "now", "future", "far future", "1970", "off", "of an earlier release"],
)
def test_when_a_commit_expires(dated: float, days: int, expiry: float) -> None:
    pulled = PulledPolicy("one", "noc", APPLIED, APPLIED + DAY, dated)
    assert pulled.expiry(days) == expiry
    assert not pulled.expired(days, expiry - 1)
    assert bool(pulled.expired(days, expiry)) == (expiry > 0)
