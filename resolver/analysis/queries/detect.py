"""Which kind a file of questions is, told by what it holds, never by what it is called."""

from collections.abc import Iterator, Set

from resolver.analysis.queries import capture, dnsperf, pcap, recorded
from resolver.analysis.queries.query import FileContent, QueryCounts, UnknownFormat

KNOWN = (
    "a capture (pcap or pcapng), dnsperf's lines of a name and a type, "
    "or what 'darban record' wrote"
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


def read(content: FileContent, asked: QueryCounts, ports: Set[int]) -> Iterator[int]:
    """Count a file's questions (those of a capture to these ports); says how far it has read.

    Raises:
        UnknownKind: the file is of no kind that can be read; before anything was counted.
    """
    if capture.is_pcap(content) or capture.is_pcapng(content):
        return pcap.read(content, asked, ports)
    if content[: len(recorded.MARK)] == recorded.MARK:
        version = recorded.version(content)
        if version != str(recorded.VERSION):
            raise UnknownFormat(
                f"found a recording of version {version!r}; expected version {recorded.VERSION}"
            )
        return recorded.read(content, asked)
    if dnsperf.is_one(content):
        return dnsperf.read(content, asked)
    raise UnknownFormat(f"found {_what(content)}; expected {KNOWN}")


def _what(content: FileContent) -> str:
    """What a file of an unknown kind holds."""
    if not len(content):
        return "an empty file"
    for mark, told in _OTHERS.items():
        if content[: len(mark)] == mark:
            return told
    beginning = content[: 4 * _SHOWN]
    octets = f"a file that begins with the octets {beginning[:8].hex(' ')}"
    try:
        text = beginning.decode()
    except UnicodeDecodeError:
        return octets
    if "\0" in text:
        return octets
    line = next((line for line in text.splitlines() if line.strip()), "")
    return f"a text that begins with {line[:_SHOWN]!r}"
