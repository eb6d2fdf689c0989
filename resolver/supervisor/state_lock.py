"""One server a state directory.

The lock is on a file that only the service's user may open, so that nobody else can hold it and
prevent a start. The kernel releases it when the process ends, however that happens.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from resolver.files import make_directory
from resolver.snapshot.store import StateError, unwritable

_FLAGS = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC


@contextmanager
def locked(state: Path) -> Iterator[None]:
    """Hold the lock of a state directory.

    Raises:
        StateError: another server holds it, or the directory cannot be written to.
    """
    try:
        make_directory(state)
        handle = os.open(state / "lock", _FLAGS, 0o600)
    except OSError as error:
        raise unwritable(state, error) from None
    with os.fdopen(handle, "r+b", buffering=0) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            number = file.read(20).decode(errors="replace").strip()
            holder = f"another darban (process {number})" if number else "another darban"
            raise StateError(
                f"{state}: {holder} runs with this state directory; stop it, or set "
                "STATE_DIRECTORY to another"
            ) from None
        with suppress(OSError):  # on a full disk, the file does not say who holds the lock
            file.truncate(0)
            file.write(f"{os.getpid()}\n".encode())
        yield
