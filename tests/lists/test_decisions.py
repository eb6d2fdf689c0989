"""The decisions are complete and true of their inputs, and the lists are made of them."""

import hashlib
import shutil
from pathlib import Path

import pytest

from blocklists.build import (
    HERE,
    UPDATES,
    main,
    mistakes,
    read_decisions,
    render,
    undecided,
    update_lists,
)
from blocklists.inputs import DATA, changed_files, found_names, read_lock
from resolver.lists.ranges import read_ranges

LOCK = read_lock(HERE / "sources.lock")
LISTS = [*read_decisions(HERE / "decisions.toml"), *update_lists(HERE.parent / UPDATES)]

_LOCK = """
[evidence]
client = "the client's source code"
[inputs.others]
what = "a list of others"
[files]
"sources/v2fly/one" = {{ format = "v2fly", source = "others", lists = ["one"], sha256 = "{}" }}
"services/one.tsv" = {{ format = "table", column = 2, lists = ["one"], sha256 = "{}" }}
"""
_DECISIONS = """
[one]
title = "One"
title-fa = "یک"
category = "messenger"
reviewed = 2026-11-26
[[one.take]]
why = "Chats."
date = 2026-11-26
[one.take.names]
"one.example" = "others"
"client.example" = "client"
[[one.refuse]]
why = "A shop."
date = 2026-11-26
[one.refuse.names]
"shop.example" = "others"
"""
_V2FLY = "one.example  # its site\nfull:www.one.example\nshop.example @ads\ninclude:another\n"
_TABLE = "#domain\tmatch\tsources\tnote\none.example\tsuffix\tothers,unknown\t\n"


class Project:
    """Decisions, a lock and inputs of the test's own."""

    def __init__(self, directory: Path) -> None:
        self.folder, self.data = directory / "blocklists", directory / "data"
        self.input = self.data / "sources/v2fly/one"
        self.table = self.data / "services/one.tsv"
        for path in (self.folder / "lists", self.input, self.table):
            path.parent.mkdir(parents=True, exist_ok=True)
        self.decisions = self.folder / "decisions.toml"
        self.decisions.write_text(_DECISIONS, encoding="utf-8")
        self.input.write_text(_V2FLY, encoding="utf-8")
        self.table.write_text(_TABLE, encoding="utf-8")
        self.pin()

    def pin(self) -> None:
        """Pin the inputs as they are."""
        hashes = [
            hashlib.sha256(path.read_bytes()).hexdigest() for path in (self.input, self.table)
        ]
        (self.folder / "sources.lock").write_text(_LOCK.format(*hashes), encoding="utf-8")

    def build(self) -> int:
        return main(self.folder, self.data)

    @property
    def list(self) -> str:
        path = self.folder / "one.txt"
        return path.read_text(encoding="utf-8") if path.exists() else ""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def test_the_shipped_lists_are_what_is_written_from_the_decisions() -> None:
    written = {decided.file: render(decided, LOCK) for decided in LISTS if decided.has_file}
    shipped = [path for pattern in ("*.txt", "*.ip", "*.firewall") for path in HERE.glob(pattern)]
    assert {path.name: path.read_text(encoding="utf-8") for path in shipped} == written


@pytest.mark.parametrize("decided", LISTS, ids=lambda decided: decided.name)
def test_the_decisions_have_no_mistake(decided: object) -> None:
    assert [mistake for item in LISTS if item is decided for mistake in mistakes(item, LOCK)] == []


@pytest.mark.shared_data
def test_every_name_of_the_inputs_is_decided() -> None:
    assert changed_files(LOCK, DATA) == []
    found = list(found_names(LOCK, DATA))
    assert len(found) > 2_950
    assert undecided(found, {decided.name: decided for decided in LISTS}, LOCK) == []


def test_a_list_has_the_reason_and_the_sources_of_each_rule(project: Project) -> None:
    assert project.build() == 0
    assert project.list.partition("! Chats.\n")[2] == (
        "! From: client\n||client.example^\n! From: others\n||one.example^\n"
    )
    assert "! Source: the client's source code\n! Source: a list of others\n" in project.list
    assert "shop.example" not in project.list


def test_a_second_run_changes_nothing(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    assert project.build() == 0
    assert "1 written" in capsys.readouterr().out
    assert project.build() == 0
    assert "0 written" in capsys.readouterr().out


def test_without_inputs_the_lists_are_the_same(project: Project) -> None:
    assert project.build() == 0
    before = project.list
    (project.folder / "one.txt").unlink()
    shutil.rmtree(project.data)
    assert project.build() == 0
    assert project.list == before


def test_an_altered_input_is_refused(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    project.input.write_text(_V2FLY + "new.example\n", encoding="utf-8")
    assert project.build() == 2
    assert "sources/v2fly/one: altered" in capsys.readouterr().err
    assert project.list == ""


def test_a_file_that_is_missing_or_unknown_is_refused(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    project.table.rename(project.table.with_name("two.tsv"))
    assert project.build() == 2
    said = capsys.readouterr().err
    assert "services/one.tsv: is missing" in said
    assert "services/two.tsv: sources.lock does not name it" in said


def test_a_new_name_is_named(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    project.input.write_text(_V2FLY + "new.example\nbelow.one.example\n", encoding="utf-8")
    project.pin()
    assert project.build() == 1
    said = capsys.readouterr().err
    assert "undecided: new.example (one; others)" in said
    assert "below.one.example" not in said


def test_a_decision_must_be_true_of_its_sources(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    text = _DECISIONS.replace('"client"', '"client others"').replace('"others"', '"client"')
    project.decisions.write_text(text, encoding="utf-8")
    assert project.build() == 1
    said = capsys.readouterr().err
    assert "client.example: cites others; the inputs that have it are none" in said
    assert "one.example: cites none; the inputs that have it are others" in said


def test_a_new_rule_is_shown_with_its_popularity(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    popular = "first.example\nwww.one.example\none.example\n"
    (project.data / "popular-names.txt").write_text(popular, encoding="utf-8")
    assert project.build() == 0
    said = capsys.readouterr().out
    assert "new: ||one.example^  (www.one.example is popular: line 2 of popular-names" in said
    assert "new: ||client.example^\n" in said


MISTAKES = {
    "title is missing": ('title = "One"', ""),
    "colour is unknown": ('title = "One"', 'title = "One"\ncolour = "red"'),
    "a reason or a date is missing": ('why = "Chats."', ""),
    "sources are ('nobody',)": ('"client"', '"nobody"'),
    "sources are ()": ('"client"', '""'),
    "is decided twice": ('"shop.example"', '"one.example"'),
    "www.one.example^ is refused, but ||one.example^ blocks it": (
        '"shop.example"',
        '"www.one.example"',
    ),
    "a public suffix": ('"client.example"', '"co.uk"'),
    "modifiers": ('"client.example"', '"||client.example^$all"'),
}


@pytest.mark.parametrize("reason", MISTAKES)
def test_a_mistake_ends_the_program(
    project: Project, capsys: pytest.CaptureFixture[str], reason: str
) -> None:
    old, new = MISTAKES[reason]
    assert _DECISIONS.count(old) == 1
    project.decisions.write_text(_DECISIONS.replace(old, new), encoding="utf-8")
    assert project.build() == 2
    assert reason in capsys.readouterr().err
    assert project.list == ""


def _with_addresses(prefix: str) -> str:
    """The decisions, and a list of addresses that takes a prefix."""
    addresses = _DECISIONS.partition("[[one.refuse]]")[0].replace("client.example", prefix)
    addresses = addresses.replace("[one]", '["one.ip"]').replace("one.take", '"one.ip".take')
    return _DECISIONS + addresses.replace("one.example", "91.108.56.0/22")


@pytest.mark.parametrize("prefix", ["10.0.0.0/8", "91.108.4.1/22", "new.example", "91.0.0.0/8"])
def test_a_list_of_addresses_takes_only_public_prefixes(
    project: Project, capsys: pytest.CaptureFixture[str], prefix: str
) -> None:
    project.decisions.write_text(_with_addresses(prefix), encoding="utf-8")
    assert project.build() == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(f"decisions.toml: [one.ip]: {prefix}: ")


def test_a_list_of_addresses_may_be_for_firewalls_alone(project: Project) -> None:
    text = _with_addresses("147.92.128.0/17").replace('"one.ip"', '"one.firewall"')
    project.decisions.write_text(text, encoding="utf-8")
    project.build()
    written = (project.folder / "one.firewall").read_text(encoding="utf-8")
    read = read_ranges(written, "one", "one.firewall", "messenger")
    assert read.for_firewalls
    assert not read_ranges(written, "one", "one.ip", "messenger").for_firewalls
    assert {str(item.network) for item in read.ranges} == {"91.108.56.0/22", "147.92.128.0/17"}


def test_a_table_that_only_refuses_has_no_file(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    refused = (
        _DECISIONS.partition("[[one.take]]")[0]
        + "[[one.refuse]]"
        + ('\nwhy = "The owner publishes no range."\ndate = 2026-11-26\n')
    )
    refused = refused.replace("[one]", '["one.ip"]').replace("one.refuse", '"one.ip".refuse')
    project.decisions.write_text(_DECISIONS + refused, encoding="utf-8")
    assert project.build() == 0
    assert not (project.folder / "one.ip").exists()
    (project.folder / "one.ip").write_text("91.108.56.0/22\n", encoding="utf-8")
    assert project.build() == 2
    assert "one.ip: decisions.toml has no such list" in capsys.readouterr().err


def test_a_list_without_decisions_is_refused(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    (project.folder / "two.txt").write_text("||two.example^\n", encoding="utf-8")
    assert project.build() == 2
    assert "two.txt: decisions.toml has no such list" in capsys.readouterr().err
