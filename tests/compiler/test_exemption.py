"""An edit of exemptions does not read the lists again, and reads those of another config."""

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from resolver.compiler import compilation as compiler
from resolver.compiler.block_lists import read_lists
from resolver.compiler.compilation import compile_file
from resolver.compiler.compilation_result import Rejected
from resolver.compiler.exemption import ExemptionEdit
from resolver.lists.rules import BlockList
from resolver.snapshot.config_files import DiskFiles

CONFIG = """
[lists]
directories = ["lists"]

[policies.one]
block = ["@messenger"]

[vlans.one]
prefixes = ["10.0.0.0/8"]
policy = "one"
"""
EXEMPTION = {
    "id": "it",
    "vlan": "one",
    "services": ["one"],
    "until": dt.datetime(2099, 1, 1, tzinfo=dt.UTC),
    "approver": "CIO",
    "ticket": "IT-1",
}


@pytest.fixture
def config(tmp_path: Path) -> Path:
    for directory, name in (("lists", "one"), ("other", "two")):
        (tmp_path / directory).mkdir()
        list_ = f"! Category: messenger\n||{name}.example^\n||{name}.example^x\n"
        (tmp_path / directory / "one.txt").write_text(list_)
    (tmp_path / "config.toml").write_text(CONFIG)
    return tmp_path / "config.toml"


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows with each time that the lists are read."""
    found: list[int] = []

    def read(*given: Any, **named: Any) -> list[BlockList]:  # noqa: ANN401 - as read_lists has it
        found.append(1)
        return read_lists(*given, **named)

    monkeypatch.setattr(compiler, "read_lists", read)
    return found


def test_the_lists_are_read_once_for_an_edit(config: Path, reads: list[int]) -> None:
    edit = ExemptionEdit(config, None)
    edited = edit.add(EXEMPTION)
    assert reads == [1]
    assert [exemption.id for exemption in edited.compiled.exemptions] == ["it"]
    config.write_text(edited.texts["config.toml"])
    assert compile_file(config, 1.8e9).snapshot.compiled == edited.compiled


def test_an_edit_gives_what_a_compilation_gives(config: Path, reads: list[int]) -> None:
    before = compile_file(config, 1.8e9)
    edited = CONFIG + "deny = []\n[[exemptions]]\nid = 'it'\nvlan = 'one'\n"
    for text in (CONFIG.replace("10.0", "10.1"), CONFIG.replace('"lists"', '"other"'), edited):
        files = DiskFiles(config, {str(config): text})
        again = compile_file(config, 1.8e9, files, before)
        anew = compile_file(config, 1.8e9, files)
        assert again.snapshot == anew.snapshot
        assert list(map(str, again.problems)) == list(map(str, anew.problems))
    assert len(reads) == 1 + 3 + 1  # the second has another directory


def test_an_error_of_an_edit_is_of_this_exemption_and_at_no_place_of_the_file(config: Path) -> None:
    config.write_text(CONFIG + '[exemption_limits]\nlongest = "30d"\n')
    with pytest.raises(Rejected) as refused:
        ExemptionEdit(config, None).add(EXEMPTION)
    assert refused.value.report[0] == (
        "this exemption: until: found 2099-01-01 03:30:00+03:30 (1477-10-12); expected a moment "
        f'within "30d", the longest exemption by {config}:12 (exemption_limits.longest). '
        "Let it end earlier."
    )
