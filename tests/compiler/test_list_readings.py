"""A list that is kept is the list that was read."""

import datetime as dt
from dataclasses import fields, replace
from pathlib import Path

import pytest

from resolver.compiler.kept_readings import KeptReadings, ReadAnew, ReadingKey
from resolver.compiler.packed_rules import packed
from resolver.lists.rules import BlockList, Rule, SkippedLine

KEY = ReadingKey("0" * 64, "adblock", "pager", "lists/pager.txt")
RULES = (
    Rule(b"\x05pager\x07example\x00", True, False, 3),
    Rule(b"\x04help\x05pager\x07example\x00", False, True, 4),
)
READ = BlockList(
    service="pager",
    file="lists/pager.txt",
    title="Pager",
    persian="پیجر",
    category="messenger",
    source="a; b",
    reviewed=dt.date(2026, 11, 1),
    answer="nxdomain",
    name="more",
    sha256="1" * 64,
    rules=RULES,
    skipped=(SkippedLine(5, "x\u2028\n", "no rule"),),
    refused=((Rule(b"\x03com\x00", True, False, 6), "too wide"),),
    fallback=True,
    copy="2" * 64,
    longest_match=True,
)


def _values(read: BlockList) -> dict[str, object]:
    plain = {field.name: getattr(read, field.name) for field in fields(read)}
    return plain | {"rules": list(read.rules), "facts": packed(read).facts}


def _never() -> BlockList:
    raise AssertionError("the list is read, although it is kept")


def test_every_field_of_a_list_is_kept(tmp_path: Path) -> None:
    default = BlockList("", "")
    differing = {
        value for value in _values(READ) if _values(READ)[value] != _values(default)[value]
    }
    assert differing == _values(READ).keys() - {"ranges", "for_firewalls", "of_filter"}, (
        "ranges are read each time"
    )
    KeptReadings(tmp_path, writes=True).reading(KEY, lambda: READ)
    again = KeptReadings(tmp_path, writes=False).reading(KEY, _never)
    assert _values(again) == _values(ReadAnew().reading(KEY, lambda: READ)) == _values(READ)


def test_a_list_without_headers_is_kept(tmp_path: Path) -> None:
    read = replace(BlockList("pager", "pager.txt"), rules=RULES)
    KeptReadings(tmp_path, writes=True).reading(KEY, lambda: read)
    assert _values(KeptReadings(tmp_path, writes=False).reading(KEY, _never)) == _values(read)


@pytest.mark.parametrize("field", [field.name for field in fields(KEY)])
def test_another_key_is_another_reading(tmp_path: Path, field: str) -> None:
    KeptReadings(tmp_path, writes=True).reading(KEY, lambda: READ)
    other = replace(KEY, **{field: "other"})
    found = KeptReadings(tmp_path, writes=False).reading(other, lambda: BlockList("it", "x.txt"))
    assert found.service == "it"


def test_a_refused_list_is_read_each_time(tmp_path: Path) -> None:
    readings = KeptReadings(tmp_path, writes=True)

    def refused() -> BlockList | str:
        return "no rule that blocks"

    def read() -> BlockList | str:
        return READ

    assert readings.reading(KEY, refused) == "no rule that blocks"
    assert isinstance(readings.reading(KEY, read), BlockList)


def test_a_command_keeps_nothing(tmp_path: Path) -> None:
    KeptReadings(tmp_path, writes=False).reading(KEY, lambda: READ)
    assert list(tmp_path.iterdir()) == []
