"""A change costs what it changes: counted at a tenth of the largest size."""

import os
from pathlib import Path

import pytest

from resolver.compiler.compilation import compile_file
from tests.compiler.changing_config import Place, counts_of


def _files(folder: Path) -> dict[int, os.stat_result]:
    """The files of a folder, by their inodes: what is written atomically gets a new one."""
    found = (path.stat() for path in folder.rglob("*") if path.is_file())
    return {result.st_ino: result for result in found}


@pytest.fixture
def tenth(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    found = Place(tmp_path, monkeypatch)
    (tmp_path / "more.txt").write_text("more.example")
    for number in range(49):
        found.write_list(f"s{number}", [f"||n{number}-{item}.example^" for item in range(2000)])
    found.write_list("one", ["||one.example^"])
    found.compile()
    return found


def test_a_change_reads_and_writes_what_it_changes(
    tenth: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = counts_of(monkeypatch)

    def written() -> int:
        """Compile; the octets that were written, but for those of the snapshot."""
        counts.read = counts.built = 0
        before = _files(tenth.state)
        snapshot = _files(tenth.compile()).keys()
        after = _files(tenth.state)
        return sum(after[number].st_size for number in after.keys() - before.keys() - snapshot)

    folder = {path: path.stat().st_ino for path in tenth.state.rglob("*")}
    assert (written(), counts.read, counts.built) == (0, 0, 0)
    assert {path: path.stat().st_ino for path in tenth.state.rglob("*")} == folder

    tenth.denied = ["denied.example"]
    tenth.write()
    assert (written(), counts.read, counts.built) == (0, 0, 0)

    path = tenth.lists / "s7.txt"
    path.write_text(path.read_text() + "\n||one-more.example^")
    size = path.stat().st_size
    assert 0 < written() < 3 * size, "its reading, and itself in the archive of lists"
    assert (counts.read, counts.built) == (1, 1)


def test_a_check_reads_what_has_changed_and_writes_nothing(
    tenth: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = counts_of(monkeypatch)

    def checked() -> tuple[int, int]:
        counts.read = counts.built = 0
        before = _files(tenth.state).keys()
        assert not compile_file(tenth.config, 1.8e9).errors
        assert _files(tenth.state).keys() == before
        return counts.read, counts.built

    assert checked() == (0, 0)
    tenth.denied = ["denied.example"]
    tenth.write()
    assert checked() == (0, 0)
    tenth.write_list("s7", ["||one.example^"])
    assert checked() == (1, 1)
