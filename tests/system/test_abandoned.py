"""What a killed process has left aside is removed, and what a living one has is not."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from resolver.system.files import remove_abandoned, replace_link, temporary_file
from resolver.system.folder import Folder

pytestmark = pytest.mark.processes

WAYS = {
    "file": "atomic_file(path)",
    "folder": "atomic_directory(path)",
    "below": "Folder(path.parent).atomic_file(path.name)",
    "download": "temporary_file(path)",
}
WRITER = """
import sys
from pathlib import Path
from resolver.system.files import *
from resolver.system.folder import Folder
path = Path(sys.argv[1])
with {way}:
    print("aside", flush=True)
    sys.stdin.read()
"""


@contextmanager
def _writer(path: Path, way: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process that has a file or folder aside until its input ends."""
    command = [sys.executable, "-c", WRITER.format(way=WAYS[way]), str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"aside\n"
        yield process


def _names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


@pytest.mark.parametrize("way", WAYS)
def test_what_a_process_leaves_that_is_killed(tmp_path: Path, way: str) -> None:
    with _writer(tmp_path / "list", way) as process:
        [before] = _names(tmp_path)
        remove_abandoned(tmp_path)
        assert _names(tmp_path) == [before]
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert _names(tmp_path) == [before]
    remove_abandoned(tmp_path)
    assert _names(tmp_path) == []


@pytest.mark.parametrize("way", ["file", "folder", "below"])
def test_what_is_looked_at_meanwhile_gets_its_name(tmp_path: Path, way: str) -> None:
    with _writer(tmp_path / "list", way) as process:
        remove_abandoned(tmp_path)
        process.communicate()
        assert process.returncode == 0
    assert _names(tmp_path) == ["list"]


def test_a_later_command_removes_what_is_in_its_folder(tmp_path: Path) -> None:
    with _writer(tmp_path / "config.toml", "below") as killed:
        killed.send_signal(signal.SIGKILL)
        killed.wait()
    with _writer(tmp_path / "config.toml", "below") as alive:
        folder = Folder(tmp_path)
        with folder.atomic_file("one"), folder.atomic_file("two"):
            assert [name[:-17] for name in _names(tmp_path)] == [".config.toml", ".one", ".two"]
        alive.communicate()
    assert _names(tmp_path) == ["config.toml", "one", "two"]


def test_a_link_that_has_not_got_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", lambda *_, **__: None)
        patch.setattr("resolver.system.files.rename_synced", lambda *_: None)
        replace_link(tmp_path / "last-good", tmp_path)
    assert len(_names(tmp_path)) == 1
    with Folder(tmp_path).atomic_file("other"):
        assert len(_names(tmp_path)) == 2  # in the config's folder a link is somebody else's
    remove_abandoned(tmp_path)
    assert _names(tmp_path) == ["other"]


NOT_ASIDE = [".hidden", "config.toml", ".config.toml-", ".config.toml-0123", "x-0123456789abcdef"]


@pytest.mark.parametrize("make", [Path.touch, Path.mkdir, os.mkfifo], ids=["file", "dir", "pipe"])
def test_what_is_not_aside_stays(tmp_path: Path, make: Callable[[Path], object]) -> None:
    for name in NOT_ASIDE:
        make(tmp_path / name)
    remove_abandoned(tmp_path)
    assert _names(tmp_path) == sorted(NOT_ASIDE)


def test_nobody_waits_for_a_pipe_and_a_missing_folder_is_none(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / ".pipe-0123456789abcdef")
    remove_abandoned(tmp_path)
    remove_abandoned(tmp_path / "missing")
    assert _names(tmp_path) == [".pipe-0123456789abcdef"]


def test_a_download_that_was_renamed_stays(tmp_path: Path) -> None:
    with temporary_file(tmp_path / "lists" / "ads") as file:
        file.write_bytes(b"list")
        file.rename(tmp_path / "lists" / "ads.list")
    assert _names(tmp_path / "lists") == ["ads.list"]
