"""The last good snapshot: what an earlier version has saved still serves after an upgrade.

What a later version has saved is refused, so that the config is compiled.
"""

import inspect
import json
import shutil
from pathlib import Path

import pytest

from resolver.analysis.explanation import Explainer
from resolver.dns import codes, names
from resolver.snapshot import store
from tests.policy.networks import snapshot_of
from tests.snapshot.next_release import CHANGES, save_as_next_release
from tests.snapshot.stored_form import FILE, TYPES, stored_fields, stored_form

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


# ---- the form: the field of a value is known by its name ----

LAST_RELEASE = json.loads(FILE.read_text(encoding="utf-8"))
"""What the last release stores, so that no change of it goes unseen."""


@pytest.mark.parametrize("name", LAST_RELEASE["fields"])
def test_this_release_reads_what_the_last_one_wrote(name: str) -> None:
    """A field that goes, or gets another type, raises ``FORM``; a new one has a default."""
    fields, parameters = stored_fields(TYPES[name]), inspect.signature(TYPES[name]).parameters
    before = LAST_RELEASE["fields"][name]
    assert set(before) - set(fields.values()) == set()
    new = [field for field, stored in fields.items() if stored not in before]
    assert [field for field in new if parameters[field].default is inspect.Parameter.empty] == []


def test_this_release_does_not_serve_a_value_that_only_the_next_one_knows() -> None:
    """With a new value of an old field, raise ``FORM``, and write both to the file."""
    assert [stored_form()[key] for key in ("FORM", "values")] == [
        LAST_RELEASE[key] for key in ("FORM", "values")
    ]


@pytest.mark.parametrize("what", CHANGES)
def test_a_snapshot_of_the_next_release_is_not_served(tmp_path: Path, what: str) -> None:
    store.mark_good(store.save(tmp_path, snapshot_of()))
    change, says = CHANGES[what]
    path = save_as_next_release(tmp_path, change)
    said = rf"{path}: the snapshot is damaged, or another version of Darban wrote it \({says}\)"
    with pytest.raises(store.StateError, match=said):
        store.load(store.last_good(tmp_path))
    assert store.last_good_snapshot(tmp_path) is None
