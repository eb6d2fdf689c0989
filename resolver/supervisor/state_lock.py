"""One server a state directory.

The lock is on a file that only the service's user may open, so that nobody else can hold it and
prevent a start. The kernel releases it when the process ends, however that happens.
"""

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from resolver.snapshot.store import StateError, unwritable
from resolver.system.files import make_directory

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
            raise StateError(
                f"{state}: another darban runs with this state directory; stop it, or set "
                "STATE_DIRECTORY to another"
            ) from None
        yield


def _open(state: Path) -> BinaryIO:
    path = state / "lock"
    try:
        make_directory(state)
        handle = os.open(path, _FLAGS | os.O_RDWR | os.O_CREAT, 0o600)
        return os.fdopen(handle, "r+b", buffering=0)
    except OSError as error:
        if error.errno != errno.EROFS:
            raise
        # What was in force before can still be served.
        return os.fdopen(os.open(path, _FLAGS | os.O_RDONLY), "rb", buffering=0)
