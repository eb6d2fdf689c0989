"""The format of a file of queries, detected from its content, never from its name."""

from resolver.analysis.queries import dnsperf, recorded
from resolver.analysis.queries.query import QueryCounts, UnknownFormat

_EXPECTED = "a file of 'darban record', or lines of a name and a type (a client's address before)"
_SHOWN = 60
"""Octets of a file in another format that are shown."""


def read(content: bytes) -> QueryCounts:
    """Count the questions of a file.

    Raises:
        UnknownFormat: the file is in no format that can be read.
    """
    counts = QueryCounts()
    if content[: len(recorded.MARK)] == recorded.MARK:
        version = recorded.version(content)
        if version != str(recorded.VERSION):
            raise UnknownFormat(
                f"found a recording of version {version!r}; expected version {recorded.VERSION}"
            )
        recorded.read(content, counts)
        return counts
    if dnsperf.is_dnsperf(content):
        dnsperf.read(content, counts)
        return counts
    beginning = content[:_SHOWN].decode(errors="replace").strip().partition("\n")[0]
    what = f"a file that begins with {beginning!r}" if len(content) else "an empty file"
    raise UnknownFormat(f"found {what}; expected {_EXPECTED}")
