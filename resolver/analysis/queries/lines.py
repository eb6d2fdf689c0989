"""Lines of a file that may be anything."""

from collections.abc import Iterator

from resolver.analysis.queries.query import FileContent

LONGEST = 4096
"""Octets of a line; a name takes 1,016 at most, with every octet escaped."""


def lines(content: FileContent, start: int = 0) -> Iterator[tuple[int, bytes]]:
    """Each line without its end, with the place after it; of a longer one only the beginning."""
    at, size = start, len(content)
    while at < size:
        end = content.find(b"\n", at)
        after = size if end < 0 else end + 1
        yield after, content[at : min(after, at + LONGEST + 1)].rstrip(b"\r\n")
        at = after
