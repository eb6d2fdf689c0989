"""Write a file whole or not at all: aside, synced to disk, then renamed.

What must stay true: a reader of ``path`` at any moment, even after a power failure, finds the
old content or the new one. Every function raises OSError where the disk refuses.
"""

import contextlib
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO


@contextlib.contextmanager
def atomic_file(path: Path) -> Iterator[BinaryIO]:
    """Open a file that gets the name ``path`` at the end; nothing is left where the body raises.

    A file that is replaced passes on its mode and owner; a new one is its owner's alone.
    """
    handle, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    aside = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            with contextlib.suppress(FileNotFoundError):
                before = path.stat()
                os.fchmod(handle, stat.S_IMODE(before.st_mode))
                os.fchown(handle, before.st_uid, before.st_gid)
        rename_synced(aside, path)
    finally:
        aside.unlink(missing_ok=True)


def write_atomically(path: Path, content: bytes) -> None:
    """Write a whole file, as ``atomic_file`` does."""
    with atomic_file(path) as file:
        file.write(content)


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


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
