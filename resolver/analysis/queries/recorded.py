"""What ``darban record`` writes: questions by VLAN with counts, and no clients.

A first line that says what the file is, a second with the columns' names, then a line a
question: VLAN, name, type, how often; with tabs in between, the most frequent first.

    # darban record 1 {"from": "2026-11-24T08:00:00Z", "minutes": 10.0, ...}
    # vlan	name	type	questions
    administration	web.telegram.org	A	412
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field

from resolver.analysis.queries.lines import LONGEST, lines
from resolver.analysis.queries.query import FileContent, QueryCounts, Question, Requester
from resolver.dns import codes, names

MARK = b"# darban record "
VERSION = 1
_COLUMNS = "# vlan\tname\ttype\tquestions"
_STEP = 4096


@dataclass(frozen=True, slots=True)
class RecordingHeader:
    """What the first line says of the recording."""

    began: str
    """When it began, UTC."""
    minutes: float
    """How long it went on."""
    vlans: list[str]
    """The VLANs that there were."""
    left_out: dict[str, int] = field(default_factory=dict)
    """Questions that found no more room, by VLAN."""


Row = tuple[str, bytes, int, int]
"""VLAN, name, type, how often."""


def format_recording(heading: RecordingHeader, rows: Iterable[Row]) -> Iterator[str]:
    """The lines of the file, each with its end."""
    yield f"{MARK.decode()}{VERSION} {json.dumps(asdict(heading), ensure_ascii=False)}\n"
    yield _COLUMNS + "\n"
    for vlan, name, qtype, times in sorted(rows, key=lambda row: (row[0], -row[3], row[1:3])):
        yield f"{vlan}\t{names.text(name)}\t{codes.type_text(qtype)}\t{times}\n"


def version(content: FileContent) -> str:
    """The version that a recording says it is of."""
    words = content[len(MARK) : len(MARK) + 32].split()
    return words[0].decode("ascii", "replace") if words else ""


def read(content: FileContent, asked: QueryCounts) -> Iterator[int]:
    """Count all questions; says now and then up to where it has read."""
    for number, (after, line) in enumerate(lines(content), start=1):
        if number % _STEP == 0:
            yield after
        if not line or line.startswith(b"#"):
            continue
        found = _understand(line)
        if isinstance(found, str):
            asked.skip(found, f"line {number}")
        else:
            asked.add(*found)


def _understand(line: bytes) -> tuple[Question, int] | str:
    """A line's question and how often it was asked, or why it tells none."""
    if len(line) > LONGEST:
        return "a line that is too long"
    try:
        columns = line.decode().split("\t")
    except UnicodeDecodeError:
        return "not UTF-8"
    if len(columns) != 4 or not columns[0]:
        return "not a VLAN, a name, a type and a number, with tabs in between"
    vlan, text, word, number = columns
    try:
        name = names.parse(text)
    except names.InvalidName:
        return "not a domain name"
    qtype = codes.parse_type(word)
    if qtype is None:
        return "not a record type"
    if not (number.isascii() and number.isdigit() and len(number) < 16):
        return "not a number of questions"
    return Question(Requester(vlan=vlan), name, qtype), int(number)
