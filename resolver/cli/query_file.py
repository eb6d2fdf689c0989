"""Files of queries that commands read: recordings, lines of names and types."""

from pathlib import Path

from resolver import DarbanError
from resolver.analysis.queries import detect
from resolver.analysis.queries.query import QueryCounts, UnknownFormat
from resolver.cli.progress import progress


def read_queries(file: Path) -> QueryCounts:
    """Read a file of queries.

    Raises:
        DarbanError: it cannot be read, or has no query.
    """
    try:
        with progress(f"reading {file}"):
            return detect.read(file.read_bytes())
    except OSError as error:
        raise DarbanError(f"{file}: {error.strerror or error}") from None
    except UnknownFormat as error:
        raise DarbanError(f"{file}: {error}") from None
