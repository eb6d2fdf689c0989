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
"""The form of the last release, and what is new since, so that no change of it goes unseen."""
TYPES = {each.__name__: each for each in stored_types(CompiledConfig)}


def fields_of(of: type) -> dict[str, str]:
    """The fields of a class, by the text that ``stored_form.json`` has of them."""
    hints = get_type_hints(of).items()
    return {f"{field}: {inspect.formatannotation(hint)}": field for field, hint in hints}


@pytest.mark.parametrize("name", sorted({*TYPES, *WRITTEN["fields"], *WRITTEN["new"]}))
def test_the_stored_form_has_all_fields(name: str) -> None:
    """Write a new field under "new", until a release has it. A field that goes raises ``FORM``."""
    written = [*WRITTEN["fields"].get(name, ()), *WRITTEN["new"].get(name, ())]
    assert sorted(fields_of(TYPES[name])) == sorted(written)


@pytest.mark.parametrize("name", sorted(WRITTEN["fields"].keys() & WRITTEN["new"]))
def test_this_release_reads_what_the_last_one_wrote(name: str) -> None:
    """A snapshot of the last release lacks the new fields, so that they need a default."""
    fields, parameters = fields_of(TYPES[name]), inspect.signature(TYPES[name]).parameters
    new = {fields[text]: parameters[fields[text]].default for text in WRITTEN["new"][name]}
    assert inspect.Parameter.empty not in new.values(), new


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
