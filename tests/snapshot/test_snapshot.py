"""Snapshots: written and read again, named by what is in them."""

from pathlib import Path

import pytest

from resolver.dns import names
from resolver.policy.index import Index
from resolver.snapshot import store
from resolver.snapshot.snapshot import read_compiled_config
from tests.policy.networks import CONFIG, LISTS, snapshot_of
from tests.snapshot.policy_changes import CHANGES


def test_a_config_is_read_as_it_was_written() -> None:
    snapshot = snapshot_of()
    again = read_compiled_config(iter(snapshot.document().splitlines()))
    assert again == snapshot.compiled
    assert hash(again) == hash(snapshot.compiled)


def test_the_same_input_gives_the_same_name() -> None:
    assert snapshot_of().hash() == snapshot_of().hash()


def test_the_order_of_lists_does_not_matter() -> None:
    assert snapshot_of(lists=dict(reversed(LISTS.items()))).hash() == snapshot_of().hash()


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_gives_another_name(change: str) -> None:
    config, lists = CHANGES[change]
    assert snapshot_of(config, lists).hash() != snapshot_of().hash()


def test_a_comment_gives_the_same_name() -> None:
    lists = LISTS | {"one": LISTS["one"] + "! a remark\n"}
    assert snapshot_of(CONFIG + "# a remark\n", lists).hash() == snapshot_of().hash()


def test_a_service_says_when_its_list_was_reviewed() -> None:
    lists = LISTS | {"one": LISTS["one"] + "! Reviewed: 2026-11-24\n"}
    assert [service.reviewed for service in snapshot_of(lists=lists).compiled.services] == [
        "2026-11-24",
        "",
    ]


def test_an_index_is_read_from_a_snapshot_s_octets() -> None:
    snapshot = snapshot_of()
    (hit,) = Index(snapshot.trie, snapshot.rules).match(names.parse("www.a.example"))
    assert snapshot.compiled.sources[hit.source].file == "one.txt"
    assert (hit.line, names.text(hit.name)) == (3, "a.example")


def test_a_saved_index_that_was_cut_off_is_told_of(tmp_path: Path) -> None:
    place = store.save(tmp_path, snapshot_of())
    rules = place / "index.rules"
    whole = rules.read_bytes()
    store.load(place)
    for length in (4, 8, len(whole) - 4, len(whole) - 2):
        rules.write_bytes(whole[:length])
        with pytest.raises(store.StateError, match="is damaged, or"):
            store.load(place)


def test_long_fields_are_written_in_many_lines() -> None:
    exceptions = "".join(f"@@||e{number}.a.example^\n" for number in range(1234))
    snapshot = snapshot_of(lists=LISTS | {"one": LISTS["one"] + exceptions})
    lines = snapshot.document().splitlines()
    assert len(lines) > 3
    assert max(map(len, lines)) < len(snapshot.document()) / 2
    assert read_compiled_config(iter(snapshot.document().splitlines())) == snapshot.compiled
