"""Files of queries that commands read: recordings, captures, lines of names and types."""

import mmap
from pathlib import Path
from typing import BinaryIO, NamedTuple

from resolver.analysis.queries.query import FileContent
from resolver.errors import DarbanError


class QueryFile(NamedTuple):
    """A file of queries."""

    file: Path
    content: FileContent


def open_queries(file: Path) -> QueryFile:
    """Open a file of queries.

    Raises:
        DarbanError: it cannot be read.
    """
    try:
        with file.open("rb") as opened:
            return QueryFile(file, _content(opened))
    except OSError as error:
        raise DarbanError(f"{file}: {error.strerror or error}") from None


def _content(opened: BinaryIO) -> FileContent:
    try:
        return mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError):  # empty, or not a regular file
        return opened.read()
