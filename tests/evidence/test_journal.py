"""A file of lines, read from its end, that never grows beyond its bound."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.evidence import journal
from resolver.evidence.journal import Journal
from tests.live.irregular_files import irregular_files

LINES = st.lists(st.binary(max_size=12).map(lambda line: line.replace(b"\n", b".")), max_size=20)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "journal.jsonl"


def _read_so_far() -> int:
    """The octets that this process has read from files."""
    [line] = [each for each in Path("/proc/self/io").read_text().splitlines() if "rchar" in each]
    return int(line.split()[1])


@given(LINES, st.integers(1, 9))
def test_the_last_lines_come_first(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], block: int
) -> None:
    made = Journal(tmp_path_factory.mktemp("journal") / "journal.jsonl")
    for line in lines:
        made.append(line)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(journal, "_BLOCK", block)
        assert [line for line in made.latest() if line] == [line for line in lines[::-1] if line]
    assert [line.removesuffix(b"\n") for line in made.lines()] == lines


def test_a_long_file_is_read_from_its_end(path: Path) -> None:
    made = Journal(path)
    made.append(b"first")
    with path.open("r+b") as file:
        file.truncate(60 << 20)
    made.append(b"last but one")
    made.append(b"last")
    before = _read_so_far()
    latest = made.latest()
    assert [next(latest), next(latest), next(latest)] == [b"", b"last", b"last but one"]
    assert _read_so_far() - before < 1 << 20
    assert b"first" not in list(latest)
    assert _read_so_far() - before < 10 << 20


def test_the_file_and_the_one_before_it_are_kept(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "_LONGEST", 100)
    made = Journal(path)
    lines = [b"%09d" % number for number in range(95)]
    for line in lines:
        made.append(line)
    kept = [line.removesuffix(b"\n") for line in made.lines()]
    assert kept == lines[-len(kept) :]
    assert 10 <= len(kept) <= 20
    assert [line for line in made.latest() if line] == kept[::-1]
    assert sum(each.stat().st_size for each in path.parent.iterdir()) == 10 * len(kept) <= 200


@irregular_files
def test_what_lies_in_the_place_of_a_journal_keeps_nobody_waiting(
    tmp_path: Path, put: Callable[[Path], None], why: str
) -> None:
    path = tmp_path / "journal.jsonl"
    put(path)
    for read in (Journal(path).lines, Journal(path).places, Journal(path).latest):
        with pytest.raises(OSError, match=why.format(128)):
            next(iter(read()))
