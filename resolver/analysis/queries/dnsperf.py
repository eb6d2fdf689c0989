"""A file of questions as dnsperf reads it: a name and a type on each line.

Empty lines and comments (``;`` or ``#``) are passed by. Who asked is not said.

What must stay true: nothing that a file can hold raises, and every line that is not empty
and no comment is counted, as a question or as skipped.
"""

from collections.abc import Iterator

from resolver.analysis.queries.lines import LONGEST, lines
from resolver.analysis.queries.query import ANY_REQUESTER, FileContent, QueryCounts, Question
from resolver.dns import codes, names

_STEP = 4096
_TRIED = 50


def read(content: FileContent, asked: QueryCounts) -> Iterator[int]:
    """Count all questions; says now and then up to where it has read."""
    known: dict[bytes, Question | str] = {}
    for number, (after, line) in enumerate(lines(content), start=1):
        if number % _STEP == 0:
            yield after
        found = known.get(line)
        if found is None:
            found = known[line] = understand(line)
        if isinstance(found, Question):
            asked.add(found)
        elif found:
            asked.skip(found, f"line {number}")


def understand(line: bytes) -> Question | str:
    """A line's question, or why it is none; the reason is empty where none was meant."""
    if len(line) > LONGEST:
        return "a line that is too long"
    words = line.split()
    if not words or words[0][:1] in (b";", b"#"):
        return ""
    if len(words) != 2:
        return "not a name and a type"
    try:
        text, word = (each.decode() for each in words)
        name = names.parse(text)
    except UnicodeDecodeError:
        return "not UTF-8"
    except names.InvalidName:
        return "not a domain name"
    qtype = codes.parse_type(word)
    return "not a record type" if qtype is None else Question(ANY_REQUESTER, name, qtype)


def is_one(content: FileContent) -> bool:
    """Whether most of the first lines that say something are questions."""
    verdicts = []
    for _, line in lines(content):
        if found := understand(line):
            verdicts.append(isinstance(found, Question))
            if len(verdicts) == _TRIED:
                break
    return 2 * sum(verdicts) > len(verdicts)
