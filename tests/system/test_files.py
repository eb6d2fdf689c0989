"""A file is written whole, or the one before it stays."""

import contextlib
import os
import stat
import tempfile
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from resolver.system.files import (
    atomic_directory,
    atomic_file,
    make_directory,
    replace_link,
    write_atomically,
)
from tests.live.programs import lacking


@pytest.fixture(params=[0o022, 0o077], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    """The umask of a user, and one that leaves nothing to others."""
    before = os.umask(request.param)
    yield
    os.umask(before)


@pytest.mark.usefixtures("umask")
def test_a_new_file_may_be_read_by_its_group(tmp_path: Path) -> None:
    write_atomically(tmp_path / "new", b"content")
    assert (tmp_path / "new").read_bytes() == b"content"
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o640


def test_a_replaced_file_passes_on_its_mode_and_owner(tmp_path: Path) -> None:
    path = tmp_path / "old"
    path.write_bytes(b"before")
    path.chmod(0o640)
    owner = (12345, 54321) if os.geteuid() == 0 else (os.geteuid(), os.getegid())
    os.chown(path, *owner)
    write_atomically(path, b"after")
    state = path.stat()
    assert path.read_bytes() == b"after"
    assert (stat.S_IMODE(state.st_mode), state.st_uid, state.st_gid) == (0o640, *owner)


def test_a_reader_finds_the_old_content_until_the_end(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"before")
    with atomic_file(path) as file:
        file.write(b"after")
        file.flush()
        assert path.read_bytes() == b"before"
    assert path.read_bytes() == b"after"


def test_what_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"before")
    with pytest.raises(OSError, match="No space left"):
        _write_half(path)
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("file", b"before")]


def _write_half(path: Path) -> None:
    with atomic_file(path) as file:
        file.write(b"half")
        raise OSError("No space left on device")


def test_files_and_folders_are_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[Path] = []
    sync = os.fsync

    def fsync(handle: int) -> None:
        synced.append(Path(f"/proc/self/fd/{handle}").readlink())
        sync(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    make_directory(tmp_path / "state" / "lists")
    assert synced == [tmp_path, tmp_path / "state"]
    write_atomically(tmp_path / "state" / "lists" / "ads.json", b"{}")
    aside, directory = synced[2:]
    assert (aside.parent, aside.name[:10]) == (directory, ".ads.json-")
    assert directory == tmp_path / "state" / "lists"


@pytest.mark.usefixtures("umask")
def test_a_directory_gets_its_name_when_all_is_written(tmp_path: Path) -> None:
    path = tmp_path / "above" / "folder"
    with atomic_directory(path) as aside:
        (aside / "file").write_bytes(b"content")
        assert not path.exists()
    assert [item.name for item in path.parent.iterdir()] == ["folder"]
    assert (path / "file").read_bytes() == b"content"
    assert stat.S_IMODE(path.stat().st_mode) == 0o750


def test_a_directory_that_fails_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No space left"):
        _write_half_directory(tmp_path / "folder")
    assert not list(tmp_path.iterdir())


def _write_half_directory(path: Path) -> None:
    with atomic_directory(path) as aside:
        (aside / "file").write_bytes(b"half")
        raise OSError("No space left on device")


def test_a_link_is_replaced_and_is_relative(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / "folders" / name).mkdir(parents=True)
        replace_link(tmp_path / "link", tmp_path / "folders" / name)
    assert (tmp_path / "link").readlink() == Path("folders/two")
    assert {path.name for path in tmp_path.iterdir()} == {"folders", "link"}


def test_a_link_that_cannot_be_replaced_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "link").mkdir()
    with pytest.raises(OSError, match="directory"):
        replace_link(tmp_path / "link", tmp_path / "target")
    assert [path.name for path in tmp_path.iterdir()] == ["link"]


@pytest.fixture
def shared() -> Iterator[Path]:
    """A folder in which a group may write, in one of root's, with a folder ``sub``."""
    if os.geteuid() != 0:
        lacking("needs root: others may write in a folder")
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory) / "shared"
        (folder / "sub").mkdir(parents=True)
        os.chown(folder, 0, 54321)
        folder.chmod(0o2770)
        yield folder


def test_root_writes_through_no_link_of_others(shared: Path) -> None:
    elsewhere = shared.parent / "elsewhere"
    elsewhere.mkdir()
    (shared / "link").symlink_to(elsewhere)
    (shared.parent / "of-root").symlink_to("shared/link")
    for path in (shared / "link" / "file", shared.parent / "of-root" / "file"):
        with pytest.raises(OSError, match="'link' on the way is a link that another user may"):
            write_atomically(path, b"content")
    assert list(elsewhere.iterdir()) == []


def test_root_writes_through_links_of_root(shared: Path) -> None:
    (shared.parent / "of-root").symlink_to("shared/../shared/sub")
    (shared.parent / "absolute").symlink_to(shared.parent / "of-root")
    write_atomically(shared.parent / "absolute" / "file", b"content")
    assert (shared / "sub" / "file").read_bytes() == b"content"
    (shared.parent / "circle").symlink_to("circle")
    with pytest.raises(OSError, match="Too many levels of symbolic links"):
        write_atomically(shared.parent / "circle" / "file", b"content")


def test_a_folder_that_becomes_a_link_at_any_moment_leads_root_nowhere(
    shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = shared.parent / "elsewhere"
    elsewhere.mkdir()
    sub, aside = shared / "sub", shared / "aside"
    for moment in count():
        calls = count()

        def before(
            call: Callable[..., object], calls: Iterator[int] = calls, moment: int = moment
        ) -> Callable[..., object]:
            def swapped(*given: object, **more: object) -> object:
                if next(calls) == moment:
                    sub.rename(aside)
                    sub.symlink_to(elsewhere)
                return call(*given, **more)

            return swapped

        with monkeypatch.context() as patch:
            for name in ("open", "readlink", "stat", "fstat", "replace", "unlink", "fsync"):
                patch.setattr(os, name, before(getattr(os, name)))
            with contextlib.suppress(OSError):
                write_atomically(sub / "file", b"content")
        assert list(elsewhere.iterdir()) == [], f"moment {moment}"
        if not aside.exists():
            break
        sub.unlink()
        aside.rename(sub)
    assert moment > 5
    assert (sub / "file").read_bytes() == b"content"
