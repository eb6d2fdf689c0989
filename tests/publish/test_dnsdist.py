"""The databases of dnsdist are made only where they would differ, and once for equal groups."""

from pathlib import Path

import pytest

from resolver.publish import dnsdist
from resolver.publish.dnsdist import dnsdist_files
from tests.policy.networks import compiled
from tests.publish.test_zone_record import AFTER, BEFORE, CONFIG, LISTS

pytestmark = pytest.mark.processes  # cdb
ALWAYS = {"darban.lua", "inputs.json"}


def export(
    directory: Path, config: str = CONFIG, lists: dict[str, str] = LISTS, wall: float = BEFORE
) -> set[str]:
    """Write the files into a directory; the groups whose databases were made."""
    directory.mkdir(exist_ok=True)
    of, groups = compiled(config, lists), set()
    for name, content in dnsdist_files(of.terms, of.index(), wall, directory):
        (directory / name).write_bytes(content)
        groups.add(name.split(".")[0] if name.endswith(".cdb") else name)
    assert groups >= ALWAYS
    return groups - ALWAYS


def databases(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.glob("*.cdb")}


GROUPS = {"first", "second", "third", "fourth", "audited"}


def test_databases_are_made_once(tmp_path: Path) -> None:
    assert export(tmp_path) == GROUPS
    assert len(databases(tmp_path)) == 2 * len(GROUPS)
    assert export(tmp_path) == set()


@pytest.mark.parametrize(
    ("config", "lists", "wall", "made"),
    [
        (CONFIG, LISTS | {"one": LISTS["one"] + "||new.example^\n"}, BEFORE, {"first"}),
        (CONFIG, LISTS, AFTER, {"third"}),
        (CONFIG.replace('"nxdomain"', '"nodata"'), LISTS, BEFORE, {"second"}),
        (CONFIG.replace('vlan = "third"', 'vlan = "fourth"'), LISTS, BEFORE, {"third", "fourth"}),
    ],
)
def test_what_has_changed_is_made_as_if_anew(
    tmp_path: Path, config: str, lists: dict[str, str], wall: float, made: set[str]
) -> None:
    export(tmp_path / "kept")
    assert export(tmp_path / "kept", config, lists, wall) == made
    export(tmp_path / "anew", config, lists, wall)
    assert databases(tmp_path / "kept") == databases(tmp_path / "anew")


def test_a_database_that_is_damaged_or_lost_is_made_again(tmp_path: Path) -> None:
    export(tmp_path)
    before = databases(tmp_path)
    (tmp_path / "first.exact.cdb").write_bytes(b"\0" + before["first.exact.cdb"][1:])
    (tmp_path / "second.below.cdb").unlink()
    assert export(tmp_path) == {"first", "second"}
    assert databases(tmp_path) == before


def test_groups_that_are_answered_alike_are_made_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, original = [], dnsdist._made
    monkeypatch.setattr(dnsdist, "_made", lambda rules: made.append(1) or original(rules))
    assert export(tmp_path, wall=AFTER) == GROUPS
    assert len(made) == len(GROUPS) - 1  # third and fourth have the same policy
    found = databases(tmp_path)
    assert found["third.exact.cdb"] == found["fourth.exact.cdb"]
