"""The file of ``darban record``: questions by VLAN with counts, without clients.

The first line says what the file is, the second has the names of the columns. Then follows a
line for each question: VLAN, name, type, count, separated by tabs, the highest counts first.

    # darban record 1 {"from": "2026-11-24T08:00:00Z", "minutes": 10.0, ...}
    # vlan	name	type	questions
    administration	web.telegram.org	A	412
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field

from resolver.analysis.queries.lines import Parsed, parse_question, read_lines
from resolver.analysis.queries.query import QueryCounts, Requester
from resolver.dns import codes, names

MARK = b"# darban record "
VERSION = 1
_COLUMNS = "# vlan\tname\ttype\tquestions"


@dataclass(frozen=True, slots=True)
class RecordingHeader:
    """The first line."""

    began: str
    """When the recording began, UTC."""
    minutes: float
    """How long it lasted."""
    vlans: list[str]
    """All VLANs at that time."""
    left_out: dict[str, int] = field(default_factory=dict)
    """Queries for which there was no room, by VLAN."""


Row = tuple[str, bytes, int, int]
"""VLAN, name, type, count."""


def format_recording(header: RecordingHeader, rows: Iterable[Row]) -> Iterator[str]:
    """The lines of the file, each with its end."""
    yield f"{MARK.decode()}{VERSION} {json.dumps(asdict(header), ensure_ascii=False)}\n"
    yield _COLUMNS + "\n"
    for vlan, name, qtype, times in sorted(rows, key=lambda row: (row[0], -row[3], row[1:3])):
        yield f"{vlan}\t{names.text(name)}\t{codes.type_text(qtype)}\t{times}\n"


def version(content: bytes) -> str:
    """The version that a recording names."""
    words = content[len(MARK) : len(MARK) + 32].split()
    return words[0].decode("ascii", "replace") if words else ""


def read(content: bytes, counts: QueryCounts) -> None:
    """Count all questions."""
    read_lines(content, counts, _parse)


def _parse(line: str) -> Parsed:
    columns = line.split("\t")
    if len(columns) != 4 or not columns[0]:
        return "not a VLAN, a name, a type and a number, with tabs in between"
    vlan, name, type_, number = columns
    question = parse_question(Requester(vlan=vlan), name, type_)
    if isinstance(question, str):
        return question
    if not (number.isascii() and number.isdigit() and len(number) < 16):
        return "not a number of questions"
    return question, int(number)
