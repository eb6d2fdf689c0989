"""Write a file whole or not at all: aside, synced to disk, then renamed.

What must stay true: a reader of ``path`` at any moment, even after a power failure, finds the
old content or the new one. Every function raises OSError where the disk refuses.
"""

import contextlib
import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO


@contextlib.contextmanager
def atomic_file(path: Path) -> Iterator[BinaryIO]:
    """Open a file that gets the name ``path`` at the end; nothing is left where the body raises.

    A file that is replaced passes on its mode, and its owner and group as far as this user may. A
    new one is for its owner to write, and for its group to read.
    """
    aside = _aside(path)
    try:
        with new_file(aside) as file:
            yield file
            with contextlib.suppress(FileNotFoundError):
                _pass_on(path.stat(), file.fileno())
        rename_synced(aside, path)
    finally:
        aside.unlink(missing_ok=True)


@contextlib.contextmanager
def atomic_directory(path: Path) -> Iterator[Path]:
    """Make a directory that gets the name ``path`` at the end; nothing is left if the body raises.

    Yields the directory to write in. It is for its owner to write, and for its group to read.
    """
    make_directory(path.parent)
    aside = _aside(path)
    aside.mkdir(mode=0o750)
    try:
        yield aside
        _sync_tree(aside)
        rename_synced(aside, path)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def is_no_regular_file(path: Path) -> bool:
    """Whether a path is of no regular file; to read a pipe would wait for a writer for ever."""
    return path.exists() and not path.is_file()


def replace_link(link: Path, target: Path) -> None:
    """Let a relative link lead to a file or folder that is synced already."""
    aside = _aside(link)
    try:
        aside.symlink_to(os.path.relpath(target, link.parent))
        rename_synced(aside, link)
    finally:
        aside.unlink(missing_ok=True)


def _aside(path: Path) -> Path:
    """A hidden name that no other process uses, in the same directory."""
    return path.with_name(f".{path.name}-{secrets.token_hex(8)}")


def new_file(path: Path) -> BinaryIO:
    """Create a file, for its owner to write and its group to read; OSError where it exists."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640)
    return os.fdopen(handle, "wb")


def write_atomically(path: Path, content: bytes) -> None:
    """Write a whole file, as ``atomic_file`` does; an OSError names a file."""
    try:
        with atomic_file(path) as file:
            file.write(content)
    except OSError as error:
        error.filename = error.filename or str(path)  # write(2) names none
        raise


def _pass_on(before: os.stat_result, handle: int) -> None:
    for uid, gid in ((before.st_uid, -1), (-1, before.st_gid)):
        with contextlib.suppress(PermissionError):
            os.fchown(handle, uid, gid)
    os.fchmod(handle, stat.S_IMODE(before.st_mode))


def rename_synced(source: Path, target: Path) -> None:
    """Give a finished file or folder its name, so that both survive a power failure."""
    _sync(source)
    source.replace(target)
    _sync(target.parent)


def make_directory(path: Path) -> None:
    """Make a directory, and those above it, so that they survive a power failure."""
    if not path.is_dir():
        make_directory(path.parent)
        path.mkdir(exist_ok=True)
        _sync(path.parent)


def _sync_tree(path: Path) -> None:
    """Sync a folder with all that it holds to disk; links in it are not followed."""
    for folder, _, files in os.walk(path):
        for each in (*(Path(folder, file) for file in files), Path(folder)):
            if not each.is_symlink():
                _sync(each)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
