"""A folder whose files are written without following a link."""

import os
import stat
from pathlib import Path

import pytest

from resolver.system.folder import Folder
from resolver.system.regular_files import read_regular


def _write(folder: Folder, file: str, like: str = "") -> None:
    with folder.atomic_file(file, like) as opened:
        opened.write(b"content")


def test_a_file_and_the_folders_of_it_are_made(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    _write(folder, "one/two/file")
    assert (tmp_path / "one" / "two" / "file").read_bytes() == b"content"


def test_a_file_has_the_mode_of_another(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    for name, mode in (("file", 0o664), ("file.old", 0o600)):
        (tmp_path / "sub" / name).touch()
        (tmp_path / "sub" / name).chmod(mode)
    _write(Folder(tmp_path), "sub/file.old", like="sub/file")
    assert stat.S_IMODE((tmp_path / "sub" / "file.old").stat().st_mode) == 0o664


def test_the_right_to_be_run_as_the_owner_is_not_passed_on(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "file").chmod(0o4755)
    _write(Folder(tmp_path), "file")
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o755


@pytest.mark.parametrize("file", ["../file", "sub/../../file", "/file"])
def test_nothing_outside_is_touched(tmp_path: Path, file: str) -> None:
    (tmp_path / "folder").mkdir()
    folder = Folder(tmp_path / "folder")
    with pytest.raises(OSError, match="it is outside of"):
        _write(folder, file)
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_a_folder_that_becomes_a_link_meanwhile_is_left_alone(tmp_path: Path) -> None:
    elsewhere, sub = tmp_path / "elsewhere", tmp_path / "folder" / "sub"
    elsewhere.mkdir()
    sub.parent.mkdir()
    with Folder(sub.parent).atomic_file("sub/file"):
        sub.rename(tmp_path / "aside")
        sub.symlink_to(elsewhere)
    assert list(elsewhere.iterdir()) == []
    assert [path.name for path in (tmp_path / "aside").iterdir()] == ["file"]


def test_no_more_than_a_bound_is_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"content")
    assert read_regular(tmp_path / "file", 7) == b"content"
    with pytest.raises(OSError, match="more than 0 KiB"):
        read_regular(tmp_path / "file", 6)


def test_a_new_file_replaces_none(tmp_path: Path) -> None:
    tmp_path.chmod(0o775)
    folder = Folder(tmp_path)
    with folder.new_file("file") as opened:
        opened.write(b"first")
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o660, "others may not read it"
    with pytest.raises(FileExistsError), folder.new_file("file") as opened:
        opened.write(b"second")
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"first"]


def test_only_another_content_is_written(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    assert folder.put("sub/file", b"content", 0o640)
    assert stat.S_IMODE((tmp_path / "sub").stat().st_mode) == 0o750
    assert stat.S_IMODE((tmp_path / "sub" / "file").stat().st_mode) == 0o640
    before = (tmp_path / "sub" / "file").stat().st_ino
    assert not folder.put("sub/file", b"content", 0o644)
    assert (tmp_path / "sub" / "file").stat().st_ino == before
    (tmp_path / "sub" / "file").chmod(0o600)
    assert folder.put("sub/file", b"content and more", 0o644)
    assert (tmp_path / "sub" / "file").read_bytes() == b"content and more"
    assert stat.S_IMODE((tmp_path / "sub" / "file").stat().st_mode) == 0o600, "as it was"


@pytest.mark.parametrize("link", ["sub", "sub/file"])
def test_what_is_put_follows_no_link(tmp_path: Path, link: str) -> None:
    elsewhere, place = tmp_path / "elsewhere", tmp_path / "folder" / link
    elsewhere.mkdir(mode=0o700)
    (elsewhere / "file").write_bytes(b"of root")
    (elsewhere / "file").chmod(0o600)
    place.parent.mkdir(parents=True)
    place.symlink_to(elsewhere if link == "sub" else elsewhere / "file")
    with pytest.raises(OSError, match="it is a link"):
        Folder(tmp_path / "folder").put("sub/file", b"content", 0o644)
    assert (elsewhere / "file").read_bytes() == b"of root"
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (elsewhere, elsewhere / "file")]
    assert modes == [0o700, 0o600]


def test_what_is_there_is_read_as_far_as_the_content_goes(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "large").touch()
    os.truncate(tmp_path / "large", 1 << 40)
    for name in ("pipe", "large"):
        assert Folder(tmp_path).put(name, b"content", 0o640)
        assert (tmp_path / name).read_bytes() == b"content"
