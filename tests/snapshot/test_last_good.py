"""The last good snapshot: what an earlier version has saved still serves after an upgrade.

What a later version has saved is refused, so that the config is compiled.
"""

import inspect
import json
import shutil
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest

from resolver.analysis.explanation import Explainer
from resolver.config.model import BlockLogConfig
from resolver.config.policy_model import PolicyConfig
from resolver.dns import codes, names
from resolver.lists.formats import FORMATS
from resolver.policy.clauses import Action
from resolver.policy.compiled import FORM, CompiledConfig
from resolver.snapshot import store
from tests.policy.networks import snapshot_of
from tests.snapshot.next_release import CHANGES, save_as_next_release

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


def stored_types(of: Any) -> Iterator[Any]:  # noqa: ANN401 - a type in, classes out
    """The classes of the values that a snapshot has."""
    for part in get_args(of):
        yield from stored_types(part)
    if hasattr(of, "__annotations__") and not issubclass(of, Enum):
        yield of
        for hint in get_type_hints(of).values():
            yield from stored_types(hint)


def choices(of: type, field: str) -> list[object]:
    """The values that the config allows for a field."""
    return [*get_args(get_type_hints(of)[field])]


WRITTEN = json.loads((Path(__file__).parent / "stored_form.json").read_text())
"""The form as it is, so that no change of it goes unseen."""
TYPES = {each.__name__: each for each in stored_types(CompiledConfig)}


def test_this_release_reads_the_fields_that_the_last_one_wrote() -> None:
    """A new field has a default: then write it here. A field that goes raises ``FORM``."""
    assert TYPES.keys() == WRITTEN["fields"].keys()
    for name, old in WRITTEN["fields"].items():
        hints = get_type_hints(TYPES[name]).items()
        fields = {f"{field}: {inspect.formatannotation(hint)}": field for field, hint in hints}
        assert {*old} <= fields.keys(), name
        parameters = inspect.signature(TYPES[name]).parameters
        new = [parameters[field] for text, field in fields.items() if text not in old]
        assert all(each.default is not each.empty for each in new), name


def test_this_release_does_not_serve_a_value_that_only_the_next_one_knows() -> None:
    """With a new value of an old field, raise ``FORM``, and write both here."""
    values = {
        "Action": [*Action],
        "Policy.answer_mode": choices(PolicyConfig, "answer"),
        "BlockLog.client": choices(BlockLogConfig, "client"),
        "Subscription.format": [*FORMATS],
    }
    assert (FORM, values) == (WRITTEN["FORM"], WRITTEN["values"])


@pytest.mark.parametrize("what", CHANGES)
def test_a_snapshot_of_the_next_release_is_not_served(tmp_path: Path, what: str) -> None:
    store.mark_good(store.save(tmp_path, snapshot_of()))
    change, says = CHANGES[what]
    path = save_as_next_release(tmp_path, change)
    said = rf"{path}: the snapshot is damaged, or another version of Darban wrote it \({says}\)"
    with pytest.raises(store.StateError, match=said):
        store.load(store.last_good(tmp_path))
    assert store.last_good_snapshot(tmp_path) is None
