"""Constant databases (CDB), written by the program ``cdb`` of tinycdb."""

import contextlib
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

from resolver.errors import DarbanError

Add = Callable[[bytes, bytes], None]
"""Adds a key and its value."""


@contextlib.contextmanager
def constant_database(path: Path) -> Iterator[Add]:
    """Write a database to a file; yields the function that adds its records, one at a time.

    Raises:
        DarbanError: the program is not installed, or has failed.
    """
    command = ["cdb", "-c", "-t", "-", str(path)]
    try:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    except FileNotFoundError:
        raise DarbanError(
            "found no program cdb; expected that of tinycdb: apt install tinycdb"
        ) from None
    with process:
        assert process.stdin is not None
        write = process.stdin.write

        def add(key: bytes, value: bytes) -> None:
            write(b"+%d,%d:%b->%b\n" % (len(key), len(value), key, value))

        with contextlib.suppress(BrokenPipeError):  # it has failed, and says why
            yield add
            write(b"\n")
        _, error = process.communicate()
    if process.returncode:
        raise DarbanError(f"cdb: {error.decode(errors='replace')}")
