"""One server a state directory.

The lock is on a file that only the service's user may open, so that nobody else can hold it and
prevent a start. The kernel releases it when the process ends, however that happens.
"""

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from resolver.files import make_directory
from resolver.snapshot.store import StateError, unwritable

_LOCKS = Path("/proc/locks")
_FLAGS = os.O_NOFOLLOW | os.O_CLOEXEC


@contextmanager
def locked(state: Path) -> Iterator[None]:
    """Hold the lock of a state directory.

    Raises:
        StateError: another server holds it, or the directory cannot be written to.
    """
    try:
        opened = _open(state)
    except OSError as error:
        raise unwritable(state, error) from None
    with opened as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            # On a disk that is read-only, the file still names an earlier process.
            number = file.read(20).decode(errors="replace").strip() if file.writable() else ""
            holder = f"another darban (process {number})" if number else "another darban"
            raise StateError(
                f"{state}: {holder} runs with this state directory; stop it, or set "
                "STATE_DIRECTORY to another"
            ) from None
        with suppress(OSError):  # on a full disk, the file does not say who holds the lock
            file.truncate(0)
            file.write(f"{os.getpid()}\n".encode())
        yield


def holder(state: Path) -> int | None:
    """The process that holds the lock of a state directory; None where none is known to.

    The kernel is asked: on a disk that is read-only, the file names an earlier process. To try the
    lock would prevent the start of a server at the same moment.
    """
    with suppress(OSError, ValueError):
        found = _path(state).stat()
        place = f"{os.major(found.st_dev):02x}:{os.minor(found.st_dev):02x}:{found.st_ino}"
        for line in _LOCKS.read_text(encoding="ascii").splitlines():
            words = line.split()
            if words[1] == "FLOCK" and words[5] == place:
                return int(words[4])
    return None


def _path(state: Path) -> Path:
    return state / "lock"


def _open(state: Path) -> BinaryIO:
    path = _path(state)
    try:
        make_directory(state)
        handle = os.open(path, _FLAGS | os.O_RDWR | os.O_CREAT, 0o600)
        return os.fdopen(handle, "r+b", buffering=0)
    except OSError as error:
        if error.errno != errno.EROFS:
            raise
        # What was in force before can still be served.
        return os.fdopen(os.open(path, _FLAGS | os.O_RDONLY), "rb", buffering=0)
