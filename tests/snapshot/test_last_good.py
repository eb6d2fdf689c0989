"""The last good snapshot: what an earlier version has saved still serves after an upgrade."""

import shutil
from pathlib import Path

import pytest

from resolver.analysis.explanation import Explainer
from resolver.dns import codes, names
from resolver.snapshot import store

SAVED = Path(__file__).parent / "saved_by_0.1.0"
HASH = "f6e8e8746ec70cef"


@pytest.fixture
def state(tmp_path: Path) -> Path:
    shutil.copytree(SAVED, tmp_path / "snapshots" / HASH)
    (tmp_path / "last-good").symlink_to(f"snapshots/{HASH}")
    return tmp_path


@pytest.mark.parametrize(
    ("client", "name", "outcome"),
    [
        ("10.10.3.7", "www.pager.example", "exempted"),
        ("10.10.3.7", "denied.example", "blocked"),
        ("10.10.3.7", "help.pager.example", "passed"),
        ("fd00:10::7", "pager.example", "exempted"),
        ("10.20.3.7", "www.pager.example", "passed"),
        ("192.0.2.7", "www.pager.example", "refused"),
    ],
)
def test_a_snapshot_of_an_earlier_version_is_read(
    state: Path, client: str, name: str, outcome: str
) -> None:
    explainer = Explainer(*store.load(store.last_good(state)), 0.0)
    assert explainer.for_client(client, names.parse(name), codes.A).outcome == outcome


def test_a_damaged_snapshot_is_not_good(state: Path) -> None:
    rules = state / "snapshots" / HASH / "index.rules"
    rules.write_bytes(rules.read_bytes()[:-1] + b"\x01")
    with pytest.raises(store.StateError, match="is damaged: its content has another hash"):
        store.last_good(state)


def test_no_snapshot_was_in_force(tmp_path: Path) -> None:
    with pytest.raises(store.StateError, match="no last good snapshot"):
        store.last_good(tmp_path)
    (tmp_path / "last-good").symlink_to("last-good")
    with pytest.raises(store.StateError, match="no last good snapshot"):
        store.last_good(tmp_path)
