"""Files of one question a line, in the formats of dnsperf and of ``darban record``.

What must stay true: nothing that a file contains raises, and every line that is not empty and
no comment (``#`` or ``;``) is counted, as a question or as skipped.
"""

from collections.abc import Callable

from resolver.analysis.queries.query import QueryCounts, Question, Requester
from resolver.dns import codes, names

Parsed = tuple[Question, int] | str
"""A line's question and how often it was asked, or why the line has none."""
Parse = Callable[[str], Parsed]


def read_lines(content: bytes, counts: QueryCounts, parse: Parse) -> None:
    """Count the questions of all lines."""
    for number, line in enumerate(content.split(b"\n"), start=1):
        question = parse_line(line, parse)
        if isinstance(question, str):
            counts.skip(question, f"line {number}")
        elif question is not None:
            counts.add(*question)


def parse_line(line: bytes, parse: Parse) -> Parsed | None:
    """What a line has; None where it is empty or a comment."""
    line = line.rstrip(b"\r")
    if line.lstrip()[:1] in (b"", b"#", b";"):
        return None
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
