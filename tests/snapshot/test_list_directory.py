"""Directories of lists, and the manifests that are written for them."""

import os
from pathlib import Path

import pytest

from resolver import DarbanError
from resolver.cli.lists_manifest import manifest
from resolver.lists.manifest import MANIFEST, SIGNATURE, read_manifest
from resolver.snapshot.list_directory import TooMuch, read_files


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    made = tmp_path / "lists"
    made.mkdir()
    (made / "pager.txt").write_text("||pager.example^\n", "utf-8")
    return made


def test_a_manifest_names_the_files_and_not_itself(directory: Path) -> None:
    (directory / ".hidden").touch()
    (directory / "folder").mkdir()
    for _ in range(2):
        manifest(directory, serial=7, expires="2999-01-01")
        assert [*read_manifest((directory / MANIFEST).read_bytes()).files] == ["pager.txt"]


def test_a_signature_of_the_manifest_before_is_removed(directory: Path) -> None:
    (directory / SIGNATURE).touch()
    manifest(directory, serial=7, expires="2999-01-01")
    assert not (directory / SIGNATURE).exists()


WRONG = {
    (7, "2026-01-01"): "is over",
    (7, "tomorrow"): "is no day",
    (0, "2999-01-01"): "no whole number above 0",
}


@pytest.mark.parametrize("given", WRONG)
def test_what_nobody_would_accept_is_not_written(given: tuple[int, str], directory: Path) -> None:
    serial, expires = given
    with pytest.raises(DarbanError, match=WRONG[given]):
        manifest(directory, serial=serial, expires=expires)
    assert not (directory / MANIFEST).exists()


def test_a_directory_that_is_no_directory_of_lists(directory: Path, tmp_path: Path) -> None:
    (directory / "link.txt").symlink_to("/etc/hostname")
    with pytest.raises(OSError, match="link"):
        read_files(directory)
    (directory / "link.txt").unlink()
    os.mkfifo(directory / "pipe.txt")
    with pytest.raises(OSError, match="pipe"):
        read_files(directory)
    many = tmp_path / "many"
    many.mkdir()
    for number in range(1001):
        (many / f"{number}.txt").touch()
    with pytest.raises(TooMuch, match="1,000 files"):
        read_files(many)
