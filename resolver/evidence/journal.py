"""A file of JSON lines that is only appended to, and read from its end.

At ``_LONGEST`` octets the file gets another name, which the one before it loses, and a new file
begins: so the two together never have more than twice as many, and a line, and never lose more than
one of them at a time.

What must stay true:
- A line that was cut short (power failure, full disk) harms no line before or after it.
- To append a line, or to read the last ones, costs the same however long the file is.
"""

import errno
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from resolver.files import make_directory, open_regular, rename_synced

_LONGEST: Final = 64 << 20
_MOST_READ: Final = 2 * _LONGEST
"""Octets of a file that is read: a last line may exceed ``_LONGEST``."""
_LOOK_BACK: Final = 8 << 20
"""Octets from the end that ``latest`` reads at most."""
_BLOCK: Final = 64 << 10


class Line(NamedTuple):
    """A line, and where it is."""

    text: bytes
    """Without its end."""
    file: Path
    number: int
    """In its file, from 1."""


class Journal:
    """The file, and the one before it, as ``NAME.1.SUFFIX``."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._earlier = path.with_suffix(f".1{path.suffix}")

    def lines(self) -> Iterator[bytes]:
        """All lines, the oldest first; OSError where a file exists and cannot be read."""
        for path in (self._earlier, self._path):
            with suppress(FileNotFoundError), _opened(path) as file:
                yield from file

    def places(self) -> Iterator[Line]:
        """All lines with their places, the oldest first; OSError as for ``lines``."""
        for path in (self._earlier, self._path):
            with suppress(FileNotFoundError), _opened(path) as file:
                for number, line in enumerate(file, 1):
                    yield Line(line.rstrip(b"\n"), path, number)

    def latest(self) -> Iterator[bytes]:
        """The last lines, the newest first, up to ``_LOOK_BACK``; OSError if it cannot be read."""
        return (line for _, line in self.latest_by_age())

    def latest_by_age(self) -> Iterator[tuple[bool, bytes]]:
        """The same, each with whether it is in the earlier file."""
        left = _LOOK_BACK
        for path in (self._path, self._earlier):
            with suppress(FileNotFoundError), _opened(path) as file:
                size = file.seek(0, os.SEEK_END)
                for line in _backwards(file, size, max(0, size - left)):
                    yield path == self._earlier, line
                left = max(0, left - size)

    def append(self, line: bytes) -> None:
        """Add a line; OSError where it cannot be written whole: then nothing is added."""
        line += b"\n"
        make_directory(self._path.parent)
        with suppress(FileNotFoundError):
            if self._path.stat().st_size >= _LONGEST:
                rename_synced(self._path, self._earlier)
        with self._path.open("a+b", buffering=0) as file:
            size = file.seek(0, os.SEEK_END)
            if size and os.pread(file.fileno(), 1, size - 1) != b"\n":  # the last line is cut short
                line = b"\n" + line
            try:
                written = file.write(line)
                os.fsync(file.fileno())
                if written != len(line):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            except OSError:
                os.truncate(file.fileno(), size)
                raise


def _opened(path: Path) -> BinaryIO:
    """Open a file to read it: who may write in its directory may put anything in its place."""
    file = open_regular(path)
    if os.fstat(file.fileno()).st_size > _MOST_READ:
        file.close()
        raise OSError(errno.EFBIG, f"more than {_MOST_READ >> 20} MiB", str(path))
    return file


def _backwards(file: BinaryIO, end: int, oldest: int) -> Iterator[bytes]:
    """The lines that begin after ``oldest``, or at the begin of the file; the last one first."""
    rest = b""
    while end > oldest:
        start = max(oldest, end - _BLOCK)
        file.seek(start)
        rest, *lines = (file.read(end - start) + rest).split(b"\n")
        yield from reversed(lines)
        end = start
    if not oldest:
        yield rest
