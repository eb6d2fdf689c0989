"""A file of questions as dnsperf reads it: a name and a type on each line, without the client."""

from collections.abc import Iterator
from functools import lru_cache
from itertools import islice

from resolver.analysis.queries.lines import (
    Parsed,
    lines,
    parse_line,
    parse_question,
    read_lines,
)
from resolver.analysis.queries.query import ANY_REQUESTER, FileContent, QueryCounts

_TRIED = 50


def read(content: FileContent, counts: QueryCounts) -> Iterator[int]:
    """Count all questions; yields from time to time how far it has read."""
    return read_lines(content, counts, lru_cache(1 << 16)(_parse))


def _parse(line: str) -> Parsed:
    words = line.split()
    if len(words) != 2:
        return "not a name and a type"
    question = parse_question(ANY_REQUESTER, *words)
    return question if isinstance(question, str) else (question, 1)


def is_dnsperf(content: FileContent) -> bool:
    """Whether most of the first lines are questions."""
    parsed = (parse_line(line, _parse) for _, line in lines(content))
    tried = list(islice((each for each in parsed if each is not None), _TRIED))
    return 2 * sum(isinstance(each, tuple) for each in tried) > len(tried)


def first_other(content: FileContent) -> tuple[int, str] | None:
    """The number and the text of the first line without a question; None where it is the first."""
    asked = False
    for number, (_, line) in enumerate(lines(content), start=1):
        parsed = parse_line(line, _parse)
        if isinstance(parsed, str):
            return (number, line.decode(errors="replace")) if asked else None
        asked = asked or parsed is not None
    return None
