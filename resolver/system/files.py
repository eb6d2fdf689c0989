"""Write a file whole or not at all.

A file is written under a temporary name: a hidden one in the same directory, with a random number.
Then it is synced to disk and renamed.

What must stay true:
- A reader of ``path`` at any moment, even after a power failure, finds the old content or the new
  one. Every function raises OSError where the disk refuses.
- A file or directory that is new is for its group to read, whatever the umask is: members of the
  group that owns the state directory command the server, and the service reads what root writes.
- What has a temporary name is locked (flock) by its process, and the kernel ends the lock with the
  process. So what is not locked was left by a process that was killed, and ``remove_abandoned``
  removes it.

To keep something new on disk: the server and commands write below the state directory as its owner
(``snapshot.state_owner``), a config by ``system.folder``. It is bounded (``snapshot.archive``), and
a reader survives that it is missing, damaged, cut or of another release. tests/end_to_end/bad_days
tries a full disk, a kill in the middle, and its removal. ARCHITECTURE.md has its row (fails until
done: tests/laws/test_documents.py); docs/how-to/upgrade.md, "Backup", if it is more than a copy.
"""

import contextlib
import errno
import fcntl
import os
import re
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path, PurePath
from typing import BinaryIO

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_LOCK = fcntl.LOCK_EX | fcntl.LOCK_NB
_TEMPORARY = re.compile(r"\..+-[0-9a-f]{16}(\.index)?", re.DOTALL)
"""The names of ``_temporary_path``, and of git's index of the temporary folder."""
_MAX_LINKS = 40
"""As Linux follows of a path."""


@contextlib.contextmanager
def atomic_file(path: Path) -> Iterator[BinaryIO]:
    """Open a file that gets the name ``path`` at the end; nothing is left where the body raises.

    A file that is replaced passes on its mode, and its owner and group as far as this user may. A
    new one is for its owner to write, and for its group to read. Root follows no link to the
    directory that another user could have made.
    """
    with _directory_of(path) as parent, atomic_file_in(parent, path, path.name) as file:
        yield file


@contextlib.contextmanager
def atomic_file_in(
    parent: int, path: Path, like: str, *, is_new: bool = False
) -> Iterator[BinaryIO]:
    """An ``atomic_file`` in an open directory; the file ``like`` passes on its mode and owner.

    With ``is_new`` there must be no file ``path``; FileExistsError where there is one at the end.
    """
    temporary = ""
    try:
        temporary, handle = _new_temporary(path, parent)
        with os.fdopen(handle, "wb") as file:  # locked until it has its name
            yield file
            file.flush()
            with contextlib.suppress(FileNotFoundError):
                _pass_on(os.stat(like, dir_fd=parent, follow_symlinks=False), file.fileno())
            os.fsync(file.fileno())
            give_name = os.link if is_new else os.replace
            give_name(temporary, path.name, src_dir_fd=parent, dst_dir_fd=parent)
        os.fsync(parent)
    except OSError as error:
        if _is_temporary(error.filename):
            error.filename = str(path)
        raise
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary, dir_fd=parent)


@contextlib.contextmanager
def opened_directory(path: str | Path, flags: int = 0, parent: int | None = None) -> Iterator[int]:
    """Open a directory; ``path`` is relative to an open one, if that is given."""
    handle = os.open(path, _FOLDER | flags, dir_fd=parent)
    try:
        yield handle
    finally:
        os.close(handle)


@contextlib.contextmanager
def _directory_of(path: Path) -> Iterator[int]:
    """Open the directory of a file; root opens it part by part, since others may swap a part."""
    if os.geteuid():
        with opened_directory(path.parent) as parent:
            yield parent
        return
    parts, links = list(path.parent.absolute().parts[:0:-1]), 0
    with contextlib.ExitStack() as opened:
        parent = opened.enter_context(opened_directory("/"))
        while parts:
            name = parts.pop()
            target = _link_target(name, parent, path)
            if target is None:
                parent = opened.enter_context(opened_directory(name, os.O_NOFOLLOW, parent))
                continue
            links += 1
            if links > _MAX_LINKS:
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
            if target.is_absolute():
                parent = opened.enter_context(opened_directory("/"))
            parts += [part for part in reversed(target.parts) if part != "/"]
        yield parent


def _link_target(name: str, parent: int, path: Path) -> PurePath | None:
    """Where a link in an open directory leads to; None where it is no link.

    OSError where another user than root may write in the directory, and so make the link.
    """
    try:
        target = os.readlink(name, dir_fd=parent)
    except OSError as error:
        if error.errno == errno.EINVAL:
            return None
        error.filename = str(path)
        raise
    directory = os.fstat(parent)
    if directory.st_uid or directory.st_mode & 0o022:
        why = f"'{name}' on the way is a link that another user may have made"
        raise OSError(errno.ELOOP, why, str(path))
    return PurePath(target)


@contextlib.contextmanager
def atomic_directory(path: Path) -> Iterator[Path]:
    """Make a directory that gets the name ``path`` at the end; nothing is left if the body raises.

    Yields the directory to write in. It is for its owner to write, and for its group to read.
    """
    make_directory(path.parent)
    temporary = _temporary_path(path)
    temporary.mkdir(mode=0o700)
    try:
        with opened_directory(temporary) as handle:
            with contextlib.suppress(OSError):  # a file system without modes
                os.fchmod(handle, 0o750)
            with contextlib.suppress(OSError):  # a file system without locks
                fcntl.flock(handle, _LOCK)
            yield temporary
            _sync_tree(temporary)
            rename_synced(temporary, path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def replace_link(link: Path, target: Path) -> None:
    """Let a relative link lead to a file or folder that is synced already."""
    temporary = _temporary_path(link)
    try:
        temporary.symlink_to(os.path.relpath(target, link.parent))
        rename_synced(temporary, link)
    finally:
        temporary.unlink(missing_ok=True)


def _temporary_path(path: Path) -> Path:
    """A hidden name that no other process uses, in the same directory."""
    return path.with_name(f".{path.name}-{os.urandom(8).hex()}")


def _is_temporary(name: object) -> bool:
    return isinstance(name, str) and _TEMPORARY.fullmatch(name) is not None


def _new_temporary(path: Path, parent: int) -> tuple[str, int]:
    """Create a temporary file, for its group to read: its name, and it, open."""
    while True:
        name = _temporary_path(path).name
        handle = os.open(name, _NEW, 0o600, dir_fd=parent)
        with contextlib.suppress(OSError):  # a file system without modes, such as a medium's
            os.fchmod(handle, 0o640)
        try:
            fcntl.flock(handle, _LOCK)
        except BlockingIOError:
            pass  # another process took it for abandoned, and removes it
        except OSError:  # a file system without locks: there nothing is taken for abandoned
            return name, handle
        else:
            if os.fstat(handle).st_nlink:
                return name, handle
        os.close(handle)


@contextlib.contextmanager
def temporary_file(path: Path) -> Iterator[Path]:
    """A new hidden file beside ``path``, which is removed at the end unless it was renamed."""
    make_directory(path.parent)
    with opened_directory(path.parent) as parent:
        name, handle = _new_temporary(path, parent)
    try:
        yield path.with_name(name)
    finally:
        with contextlib.suppress(OSError):
            path.with_name(name).unlink()
        os.close(handle)


def remove_abandoned(directory: Path) -> None:
    """Remove the temporary files of processes that were killed, as far as this user may.

    Folders and links go as well. So the caller must be the only one that makes links there.
    """
    with contextlib.suppress(OSError), opened_directory(directory) as parent:
        remove_abandoned_in(parent, directory)


def remove_abandoned_in(parent: int, directory: Path | None = None) -> None:
    """Remove temporary files that nobody has locked; with ``directory``, folders and links, too."""
    for name in _temporary_names(parent):
        with contextlib.suppress(OSError):
            mode = os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode
            if stat.S_ISLNK(mode) and directory is not None:
                os.unlink(name, dir_fd=parent)
            elif stat.S_ISREG(mode):
                with _unlocked(name, parent):
                    os.unlink(name, dir_fd=parent)
            elif stat.S_ISDIR(mode) and directory is not None:
                with _unlocked(name, parent):
                    shutil.rmtree(directory / name)


def _temporary_names(parent: int) -> list[str]:
    with os.scandir(parent) as entries:
        return [entry.name for entry in entries if _is_temporary(entry.name)]


@contextlib.contextmanager
def _unlocked(name: str, parent: int) -> Iterator[int]:
    """Open a temporary file or folder; BlockingIOError where a process has it."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    handle = os.open(name, flags, dir_fd=parent)
    try:
        fcntl.flock(handle, _LOCK)
        yield handle
    finally:
        os.close(handle)


def write_atomically(path: Path, content: bytes) -> None:
    """Write a whole file, as ``atomic_file`` does; an OSError names a file."""
    try:
        with atomic_file(path) as file:
            file.write(content)
    except OSError as error:
        error.filename = error.filename or str(path)  # write(2) names none
        raise


def _pass_on(before: os.stat_result, handle: int) -> None:
    if not stat.S_ISREG(before.st_mode):
        return
    for uid, gid in ((before.st_uid, -1), (-1, before.st_gid)):
        with contextlib.suppress(PermissionError):
            os.fchown(handle, uid, gid)
    os.fchmod(handle, before.st_mode & 0o777)


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
        for entry in (*(Path(folder, file) for file in files), Path(folder)):
            if not entry.is_symlink():
                _sync(entry)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
