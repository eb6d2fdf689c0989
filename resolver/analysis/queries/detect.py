"""The format of a file of queries, detected from its content, never from its name."""

from collections.abc import Iterator, Set

from resolver.analysis.queries import capture, dnsperf, pcap, recorded
from resolver.analysis.queries.query import FileContent, QueryCounts, UnknownFormat

KNOWN = (
    "a capture (pcap or pcapng), dnsperf's lines of a name and a type, or a file of 'darban record'"
)
_OTHERS = {
    b"\x1f\x8b": "a gzip file; unpack it first",
    b"\x28\xb5\x2f\xfd": "a zstd file; unpack it first",
    b"\xfd7zXZ\x00": "an xz file; unpack it first",
    b"BZh": "a bzip2 file; unpack it first",
    b"PK\x03\x04": "a zip file; unpack it first",
    b"SQLite format 3": "an SQLite database",
    b"\x7fELF": "a program",
}
_SHOWN = 60


def read(content: FileContent, counts: QueryCounts, ports: Set[int]) -> Iterator[int]:
    """Count the questions of a file (in a capture: to these ports); yields how far it has read.

    Raises:
        UnknownFormat: the file is in no format that can be read; nothing was counted yet.
    """
    if capture.is_pcap(content) or capture.is_pcapng(content):
        return pcap.read(content, counts, ports)
    if content[: len(recorded.MARK)] == recorded.MARK:
        version = recorded.version(content)
        if version != str(recorded.VERSION):
            raise UnknownFormat(
                f"found a recording of version {version!r}; expected version {recorded.VERSION}"
            )
        return recorded.read(content, counts)
    if dnsperf.is_dnsperf(content):
        return dnsperf.read(content, counts)
    raise UnknownFormat(f"found {_what(content)}; expected {KNOWN}")


def _what(content: FileContent) -> str:
    """What a file in an unknown format contains."""
    if not len(content):
        return "an empty file"
    for mark, description in _OTHERS.items():
        if content[: len(mark)] == mark:
            return description
    beginning = content[: 4 * _SHOWN]
    octets = f"a file that begins with the octets {beginning[:8].hex(' ')}"
    try:
        text = beginning.decode()
    except UnicodeDecodeError:
        return octets
    if "\0" in text:
        return octets
    other = dnsperf.first_other(content)
    if other is not None:
        return f"a text whose line {other[0]}, {other[1][:_SHOWN]!r}, is no question"
    line = next((line for line in text.splitlines() if line.strip()), "")
    return f"a text that begins with {line[:_SHOWN]!r}"
