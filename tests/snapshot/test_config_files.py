"""The files of a config on disk."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from resolver.snapshot.config_files import DiskFiles, SavedFiles, pulled_config


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
    assert DiskFiles(Path("config.toml")).glob(pattern) == found
    absolute = DiskFiles(Path("config.toml")).glob(f"{tmp_path}/{pattern}")
    assert absolute == sorted(str(tmp_path / file) for file in found)


def test_a_pipe_is_no_file_of_a_config(tmp_path: Path) -> None:
    """To read it would wait for a writer."""
    os.mkfifo(tmp_path / "sub" / "pipe.toml")
    with pytest.raises(OSError, match="it is no regular file") as refused:
        DiskFiles(Path("config.toml")).glob("**/*.toml")
    assert refused.value.filename == "sub/pipe.toml"


def test_a_directory_that_cannot_be_read_is_not_taken_for_an_empty_one(tmp_path: Path) -> None:
    """Root reads with the rights of the owner of the state directory."""
    state, closed = tmp_path / ".darban", tmp_path / "closed"
    state.mkdir()
    closed.mkdir(mode=0o000)
    if os.geteuid() == 0:
        os.chown(state, 65534, 65534)
    with pytest.raises(PermissionError):
        DiskFiles(tmp_path / "config.toml").glob(f"{closed}/*.toml")
    closed.chmod(0o700)  # so that it can be removed


def test_the_policy_that_was_pulled_is_read_from_disk_where_its_text_is_not_saved(
    tmp_path: Path,
) -> None:
    config = tmp_path / "config.toml"
    pulled = pulled_config(config)
    pulled.parent.mkdir(parents=True)
    pulled.write_text("a = 1\n", encoding="utf-8")
    files = SavedFiles(config, {"config.toml": "b = 2\n"})
    assert files.read(str(pulled)) == "a = 1\n"
    assert files.texts(tmp_path).keys() == {"config.toml", os.path.relpath(pulled, tmp_path)}


@contextmanager
def _writer(pipe: Path) -> Iterator[None]:
    """Whoever reads the pipe in the body gets an empty text, and waits for nothing."""
    thread = threading.Thread(target=pipe.write_text, args=("",))
    thread.start()
    try:
        yield
    finally:
        reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
        thread.join()
        os.close(reader)


@pytest.mark.parametrize("name", ["config.toml", "link.toml"])
def test_a_named_pipe_is_not_read(tmp_path: Path, name: str) -> None:
    pipe = tmp_path / "config.toml"
    os.mkfifo(pipe)
    (tmp_path / "link.toml").symlink_to(pipe)
    files = DiskFiles(Path("config.toml"))
    with _writer(pipe), pytest.raises(OSError, match="a named pipe") as refused:
        files.read(name)
    assert refused.value.filename == name
    assert files.texts(tmp_path) == {}


def test_a_pipe_of_the_shell_is_read() -> None:
    """As /dev/stdin and ``<(command)`` are."""
    reading, writing = os.pipe()
    os.write(writing, b"a = 1\n")
    os.close(writing)
    assert DiskFiles(Path("config.toml")).read(f"/dev/fd/{reading}") == "a = 1\n"
    os.close(reading)


@pytest.mark.parametrize("pattern", ["", "a**b", "[", "nul\0/*.toml", "nul\0*"])
def test_an_invalid_pattern_matches_none(pattern: str) -> None:
    assert DiskFiles(Path("config.toml")).glob(pattern) == []
