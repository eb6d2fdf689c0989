"""Texts that were in force: each once, compressed, and no more than the bound."""

import gzip
import os
from pathlib import Path

import pytest

from resolver.snapshot import archive
from resolver.snapshot.archive import Archive


@pytest.fixture
def kept(tmp_path: Path) -> Archive:
    return Archive(tmp_path / "kept")


def test_a_text_is_kept_once_and_compressed(kept: Archive, tmp_path: Path) -> None:
    text = b"one line\n" * 10_000
    kept.keep("a", text)
    [file] = (tmp_path / "kept").iterdir()
    number = file.stat().st_ino
    kept.keep("a", text)
    assert (kept.content("a"), file.stat().st_ino) == (text, number)
    assert file.stat().st_size < 1000
    assert gzip.decompress(file.read_bytes()) == text  # as zcat shows it
    assert kept.content("b") is None


def test_a_text_that_an_earlier_release_kept(kept: Archive, tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "a").write_bytes(b"text")
    assert kept.mark_used("a")
    kept.keep("a", b"text")
    assert kept.content("a") == b"text"
    assert [path.name for path in (tmp_path / "kept").iterdir()] == ["a"]


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"\0" * 40, gzip.compress(b"text")[:-9], b"\x1f\x8b\x08" + b"\0" * 20),
        gzip.compress(b"\0" * (archive._LONGEST + 1)),
    ],
    ids=["empty", "zeroed", "cut", "garbage", "bomb"],
)
def test_a_damaged_text_is_none(kept: Archive, tmp_path: Path, content: bytes) -> None:
    kept.keep("a", b"text")
    (tmp_path / "kept" / "a.gz").write_bytes(content)
    assert kept.content("a") is None


def test_what_is_too_long_is_not_kept(kept: Archive, tmp_path: Path) -> None:
    kept.keep("a", b"\0" * (archive._LONGEST + 1))
    assert not (tmp_path / "kept").exists()


def test_those_in_force_least_recently_are_removed(kept: Archive, tmp_path: Path) -> None:
    def kept_octets() -> int:
        return sum(path.stat().st_blocks * 512 for path in (tmp_path / "kept").iterdir())

    kept.keep("0", os.urandom(10_000))
    one = kept_octets()
    kept = Archive(tmp_path / "kept", most=4 * one)
    for number in range(1, 30):
        kept.keep(str(number), os.urandom(10_000))
        for place, name in enumerate(map(str, range(30))):  # each a second after the one before
            for file in (tmp_path / "kept").glob(f"{name}.gz"):
                os.utime(file, (place, place))
        assert kept.mark_used("0")  # it is in force all the time
        assert kept_octets() <= 5 * one
    assert sorted(int(path.stem) for path in (tmp_path / "kept").iterdir()) == [0, 26, 27, 28, 29]
