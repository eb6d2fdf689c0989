"""The files of a config on disk."""

import os
from pathlib import Path

import pytest

from resolver.snapshot.config_files import DiskFiles


@pytest.fixture(autouse=True)
def _files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for file in ("b.toml", "a.toml", ".hidden.toml", "sub/c.toml", "a.txt"):
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_text("", encoding="utf-8")
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("*.toml", [".hidden.toml", "a.toml", "b.toml"]),
        ("./a.toml", ["a.toml"]),
        ("sub/*.toml", ["sub/c.toml"]),
        ("**/*.toml", [".hidden.toml", "a.toml", "b.toml", "sub/c.toml"]),
        ("missing/*.toml", []),
    ],
)
def test_files_are_found_by_a_pattern(tmp_path: Path, pattern: str, found: list[str]) -> None:
    assert DiskFiles().glob(pattern) == found
    absolute = DiskFiles().glob(f"{tmp_path}/{pattern}")
    assert absolute == sorted(str(tmp_path / file) for file in found)


def test_a_pipe_is_no_file_of_a_config(tmp_path: Path) -> None:
    """To read it would wait for a writer."""
    os.mkfifo(tmp_path / "sub" / "pipe.toml")
    with pytest.raises(OSError, match="it is no regular file") as refused:
        DiskFiles().glob("**/*.toml")
    assert refused.value.filename == "sub/pipe.toml"


@pytest.mark.parametrize("pattern", ["", "a**b", "[", "nul\0/*.toml", "nul\0*"])
def test_an_invalid_pattern_matches_none(pattern: str) -> None:
    assert DiskFiles().glob(pattern) == []
