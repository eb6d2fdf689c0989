"""The file of ``darban record``: questions by VLAN with counts, without clients.

The first line says what the file is, the second has the names of the columns. Then follows a
line for each question: VLAN, name, type, count, separated by tabs, the highest counts first.

    # darban record 1 {"began": "2026-11-24T08:00:00Z", "minutes": 10.0, ...}
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
    """The VLANs at that time, or the one that was recorded."""
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
    counts.not_recorded = _left_out(content)
    read_lines(content, counts, _parse)


def _left_out(content: bytes) -> dict[str, int]:
    """The queries that a recording had no room for, by VLAN; none if its first line is damaged."""
    line = content[len(MARK) :].partition(b"\n")[0].partition(b" ")[2]
    try:
        header = RecordingHeader(**json.loads(line))
        return {str(vlan): int(times) for vlan, times in header.left_out.items()}
    except (TypeError, ValueError, AttributeError):
        return {}


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
