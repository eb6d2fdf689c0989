"""What an activation changes for all names: bounded, and without a look at what is the same."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from resolver.analysis.activation_summary import ActivationSummary
from resolver.analysis.name_changes import NameChange
from resolver.analysis.name_classes import NameClasses
from resolver.analysis.rules import ListChange
from resolver.compiler.all_names import bounded
from resolver.compiler.compilation import compile_and_save
from resolver.compiler.compilation_result import ALL_LISTS
from resolver.snapshot import store
from tests.compiler.changing_config import Place

EXPECT = '[[expect]]\nvlan = "v"\nservices = ["@messenger"]\noutcome = "blocked"\n'


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    found = Place(tmp_path, monkeypatch)
    found.write_list("one", ["||one.example^", "||alone.example^", "||t.me^"])
    found.write_list("two", ["||two.example^", "||one.example^"])
    (tmp_path / "more.txt").write_text("more.example\n")
    found.fetch(["zone.example CNAME ."])
    return found


def activated(place: Place) -> ActivationSummary | None:
    """What the record of an activation of the config says."""
    place.monkeypatch.setenv("STATE_DIRECTORY", str(place.state))
    accepted = compile_and_save(place.config, place.state, None, [ALL_LISTS])
    store.mark_good(Path(accepted.snapshot))
    return accepted.summary


def test_a_summary_says_what_a_list_has_opened(place: Place) -> None:
    assert activated(place) is None
    assert activated(place) == ActivationSummary()
    place.write_list("one", ["||one.example^", "||alone.example^"])
    summary = activated(place)
    assert summary is not None
    [names], [found] = summary.names, summary.lists
    assert (names.kind, names.service, names.vlans) == ("opened", "one", ("v",))
    assert (names.classes, names.examples) == (2, ("t.me", "*.t.me"))
    assert (found.file, found.gone, found.added) == ("lists/one.txt", 1, 0)
    assert found.examples == ("-||t.me^",)


def test_the_groups_are_made_once(place: Place) -> None:
    made = 0
    all_groups = NameClasses.all_groups

    def count(classes: NameClasses) -> object:
        nonlocal made
        made += 1
        return all_groups(classes)

    place.monkeypatch.setattr(NameClasses, "all_groups", count)
    text = place.config.read_text()

    def write(denied: str) -> None:
        place.config.write_text(text.replace("deny = []", f'deny = ["{denied}"]') + EXPECT)

    write("a.example")
    activated(place)
    assert made == 1
    write("b.example")
    activated(place)
    place.write_list("one", ["||one.example^", "||alone.example^", "||t.me^", "||b.two.example^"])
    activated(place)
    assert made == 1
    for path in place.readings():
        path.write_bytes(path.read_bytes()[:-1])
    activated(place)
    assert made == 2, "a damaged file is not used"


def test_what_passes_now_comes_before_what_is_counted_now() -> None:
    counted = [
        NameChange("looser", f"a{at}", "blocked", "would_block", ("v",), (), 9, ())
        for at in range(90)
    ]
    passed = NameChange("looser", "viber", "blocked", "passed", ("v",), (), 2, ())
    assert bounded([*counted, passed], [], []).names[0].service == "viber"


def test_a_summary_is_bounded() -> None:
    vlans = tuple(f"vlan-{number}" for number in range(500))
    example = ".".join(["a" * 60] * 4)
    names = [
        NameChange("looser", f"s{at}", "blocked", "passed", vlans, vlans[:30], 9, (example,) * 10)
        for at in range(1000)
    ]
    lists = [ListChange("s", f"{at}.txt", (example,) * 1000, (example,) * 9) for at in range(50)]
    summary = bounded(names, lists, [f"10.0.{at}.0/24" for at in range(200)])
    assert summary.left_out == 980 + 30 + 180
    assert summary.names[0].vlan_count == 500
    assert len(json.dumps(asdict(summary))) < 60_000
