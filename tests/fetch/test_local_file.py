"""Copies of lists that another program of this host writes."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from resolver.fetch.download import FetchError
from resolver.fetch.update import copy_local

NO_FILES: dict[str, Callable[[Path], None]] = {
    "a pipe": os.mkfifo,
    "a device": lambda path: path.symlink_to("/dev/null"),
    "a directory": Path.mkdir,
}


def test_a_file_is_copied(tmp_path: Path) -> None:
    listed, copied = tmp_path / "a list", tmp_path / "copy"
    listed.write_bytes(b"a.example\n")
    copy_local(f"file://{tmp_path}/a%20list", copied)
    assert copied.read_bytes() == listed.read_bytes()


@pytest.mark.parametrize("what", NO_FILES)
def test_what_is_no_file_is_refused_and_not_waited_for(what: str, tmp_path: Path) -> None:
    path = tmp_path / "list"
    NO_FILES[what](path)
    with pytest.raises(FetchError, match="list cannot be read"):
        copy_local(path.as_uri(), tmp_path / "copy")


def test_a_file_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(FetchError, match=r"cannot be read \(No such file or directory\)"):
        copy_local((tmp_path / "list").as_uri(), tmp_path / "copy")
