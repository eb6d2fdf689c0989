"""Write files in a folder where others may write too, and never anywhere else."""

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path, PurePath
from typing import BinaryIO

from resolver.system.files import atomic_file_in, opened_directory, remove_abandoned_in
from resolver.system.regular_files import open_regular_in


class Folder:
    """A folder in which files are written, and never anywhere else.

    Others may write there too, and swap a file or a folder for a link at any moment. So each folder
    below is opened from the one before, and no link is followed. ``path`` itself is trusted.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextlib.contextmanager
    def new_file(self, file: str) -> Iterator[BinaryIO]:
        """As ``atomic_file``, for a file that must not exist; FileExistsError where it does.

        It is for its owner and its group to read, and where the group may write in the folder, for
        the group to write.
        """
        with (
            self._parent(file) as (parent, path),
            atomic_file_in(parent, path, path.name, is_new=True) as opened,
        ):
            os.fchmod(opened.fileno(), 0o640 | os.fstat(parent).st_mode & 0o020)
            yield opened

    @contextlib.contextmanager
    def atomic_file(self, file: str, like: str = "") -> Iterator[BinaryIO]:
        """As the function of this name, for a file by its path relative to the folder.

        The file ``like`` in the same folder may pass on mode and owner in its place. Folders are
        made. What a killed process has left in the folder is removed.
        """
        with (
            self._parent(file) as (parent, path),
            atomic_file_in(parent, path, PurePath(like or file).name) as opened,
        ):
            remove_abandoned_in(parent)
            yield opened

    def put(self, file: str, content: bytes, mode: int) -> bool:
        """Write a file where it has another content; whether that was so.

        A new file has this mode. The folders that are made can be entered by those who may read it.
        """
        with self._parent(file, mode | (mode & 0o444) >> 2) as (parent, path):
            if _has(parent, path.name, content):
                return False
            with atomic_file_in(parent, path, path.name) as opened:
                os.fchmod(opened.fileno(), mode)
                opened.write(content)
            return True

    @contextlib.contextmanager
    def _parent(self, file: str, of_new: int | None = None) -> Iterator[tuple[int, Path]]:
        """The open directory of a file, and its whole path for messages.

        Folders are made, with the mode ``of_new`` where that is given.
        """
        path = self.path / file
        if ".." in PurePath(file).parts or PurePath(file).is_absolute():
            raise OSError(errno.EXDEV, f"it is outside of {self.path}; edit it by hand", str(path))
        with contextlib.ExitStack() as opened:
            parent = opened.enter_context(opened_directory(self.path))
            place = self.path
            for name in PurePath(file).parts[:-1]:
                place /= name
                is_new = _made(parent, name)
                _refuse_link(parent, place)
                parent = opened.enter_context(opened_directory(name, os.O_NOFOLLOW, parent))
                if is_new and of_new is not None:
                    os.fchmod(parent, of_new)
            _refuse_link(parent, path)
            yield parent, path


def _made(parent: int, name: str) -> bool:
    """Make a folder in an open one; False where there is something already."""
    try:
        os.mkdir(name, dir_fd=parent)
    except FileExistsError:
        return False
    os.fsync(parent)
    return True


def _has(parent: int, name: str, content: bytes) -> bool:
    """Whether a regular file in an open folder has this content, and no other."""
    try:
        with open_regular_in(name, os.O_NOFOLLOW, parent) as file:
            return file.read(len(content) + 1) == content
    except OSError:
        return False


def _refuse_link(parent: int, path: Path) -> None:
    """Say so where a link is in the way; who races with this is stopped by the calls after it."""
    with contextlib.suppress(FileNotFoundError):
        if stat.S_ISLNK(os.stat(path.name, dir_fd=parent, follow_symlinks=False).st_mode):
            why = "it is a link; put what it leads to in its place, or edit that by hand"
            raise OSError(errno.ELOOP, why, str(path))
