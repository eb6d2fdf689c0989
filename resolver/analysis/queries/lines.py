"""Files of one question a line, in the formats of dnsperf and of ``darban record``.

What must stay true: nothing that a file contains raises, and every line that is not empty and
no comment (``#`` or ``;``) is counted, as a question or as skipped.
"""

from collections.abc import Callable, Iterator

from resolver.analysis.queries.query import FileContent, QueryCounts, Question, Requester
from resolver.dns import codes, names

_MAX_LINE = 4096
"""Octets of a line; a name takes 1,016 at most, with every octet escaped."""
_STEP = 4096

Parsed = tuple[Question, int] | str
"""A line's question and how often it was asked, or why the line has none."""
Parse = Callable[[str], Parsed]


def read_lines(content: FileContent, counts: QueryCounts, parse: Parse) -> Iterator[int]:
    """Count the questions of all lines; yields from time to time how far it has read."""
    for number, (after, line) in enumerate(lines(content), start=1):
        if number % _STEP == 0:
            yield after
        found = parse_line(line, parse)
        if isinstance(found, str):
            counts.skip(found, f"line {number}")
        elif found is not None:
            counts.add(*found)


def lines(content: FileContent) -> Iterator[tuple[int, bytes]]:
    """Each line without its end, and the place after it; of a long line only the beginning."""
    at, size = 0, len(content)
    while at < size:
        end = content.find(b"\n", at)
        after = size if end < 0 else end + 1
        yield after, content[at : min(after, at + _MAX_LINE + 1)].rstrip(b"\r\n")
        at = after


def parse_line(line: bytes, parse: Parse) -> Parsed | None:
    """What a line has; None where it is empty or a comment."""
    if line.lstrip()[:1] in (b"", b"#", b";"):
        return None
    if len(line) > _MAX_LINE:
        return "a line that is too long"
    try:
        return parse(line.decode())
    except UnicodeDecodeError:
        return "not UTF-8"


def parse_question(requester: Requester, name: str, type_: str) -> Question | str:
    """The question for a name and a type, or why there is none."""
    qtype = codes.parse_type(type_)
    try:
        wire = names.parse(name)
    except names.InvalidName:
        return "not a domain name"
    return "not a record type" if qtype is None else Question(requester, wire, qtype)
