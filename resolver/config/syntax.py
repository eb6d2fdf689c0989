"""What is wrong with a file that is no UTF-8 or no TOML, in words, and what to write instead.

How it works: tomllib says where it stopped. The line there is repaired in the ways that people
need most often. The first repair that makes TOML of the line says what is wrong with it. Where
none does, tomllib's own words are shown.
"""

import json
import re
import tomllib
import unicodedata
from collections.abc import Callable, Iterator

from resolver.config.problems import Problem
from resolver.config.toml_lines import Path, first_definition, path_text
from resolver.config.typing_slips import (
    QUOTES,
    describe,
    is_impossible_date,
    literal,
    straight,
    straightened,
)

_POSITION = re.compile(r" \(at line (\d+), column (\d+)\)$")
_REPEATED = ("Cannot declare ", "Cannot overwrite ", "Cannot mutate ", "Cannot redefine ")
_AT_END = " (at end of document)"
_BOM = "\ufeff"
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_PIECES = re.compile(r'"(?:\\.|[^"\\])*"|\'[^\']*\'|#.*|[^"\'#]+|["\']')
"""Strings and comments of a line, what lies between them, and quotes that are not closed."""
_ASSIGNMENT = re.compile(r"([^=:]+)[=:](.*)")
_COMMENT = re.compile(r"\s#\s.*")
"""A comment whose quotes hide it, since a quote before it is not closed."""
_HEADER = re.compile(r"\s*\[{1,2}[^][\"']+\]{1,2}\s*(?:#.*)?")
_NOT_ONE_VALUE = re.compile(r"^\s*=|[][{}]|\"{3}|'{3}")
_VALUE = "KEY = VALUE; a value is a text in quotes, a number, true or false, or a date"
_DATE = "a date and a time that exist, such as 2015-02-18 or 2027-03-20T23:59:59+03:30"
_TABLE = "a header such as [vlans.finance]: Latin letters, digits, hyphens and dots"
_LONGEST = 200
"""Characters of a line that is repaired."""


def not_utf8(file: str, error: UnicodeDecodeError) -> Problem:
    """The problem of a file that cannot be decoded."""
    octets, at = error.object, error.start
    line = octets[octets.rfind(b"\n", 0, at) + 1 :].partition(b"\n")[0]
    encoding = ""
    if octets.startswith(_UTF_16):
        encoding = "UTF-16"
    elif _is_arabic(line.decode("cp1256")):
        encoding = "CP1256"
    advice = f"It looks like {encoding}; try: iconv -f {encoding} -t UTF-8 {file} > NEW"
    found = f"the byte 0x{octets[at]:02X}, which is not UTF-8"
    number = octets.count(b"\n", 0, at) + 1
    expected = "a text in UTF-8"
    return Problem("error", file, number, "", found, expected, advice if encoding else "")


def _is_arabic(text: str) -> bool:
    letters = [char for char in text if not char.isascii() and char.isalpha()]
    return len(letters) > 1 and all(
        unicodedata.name(each, "").startswith("ARABIC") for each in letters
    )


def not_toml(file: str, message: str, text: str) -> Problem:
    """The problem of a text that tomllib refuses with a message."""
    line, found = _position(message, text)
    if text.startswith(_BOM):
        found = "a byte order mark (BOM) before the first character"
        advice = "Save the file as UTF-8 without BOM."
        return Problem("error", file, 1, "", found, "a text in UTF-8 without it", advice)
    if message.startswith(_REPEATED) and (defined := _first_definition(message, text)):
        path, first = defined
        named = path[:-1] if isinstance(path[-1], int) else path
        found = f"a second {path_text(named)}"
        advice = f"It is also at {file}:{first}."
        return Problem("error", file, line, "", found, "each table and each key once", advice)
    if line is not None:
        content = text.split("\n")[line - 1].rstrip("\r")
        if len(content) <= _LONGEST and not _is_toml(content):
            explained = _explained(content)
            if explained is not None:
                return Problem("error", file, line, "", *explained)
    expected = '"," after each element and "]" after the last' if "array" in found else "valid TOML"
    return Problem("error", file, line, "", found, expected)


def _first_definition(message: str, text: str) -> tuple[Path, int] | None:
    """What a text defines again where tomllib stopped, and the line of the first definition."""
    text, position = text.replace("\r\n", "\n"), _POSITION.search(message)
    if position is None:
        return first_definition(text, len(text))
    before = text.split("\n")[: int(position[1]) - 1]
    return first_definition(text, sum(len(each) + 1 for each in before) + int(position[2]) - 1)


def _position(message: str, text: str) -> tuple[int | None, str]:
    """Split tomllib's message into the line and the rest, with the column."""
    position = _POSITION.search(message)
    if position is not None:
        return int(position[1]), f"at column {position[2]}: {message[: position.start()]}"
    if message == f'Expected "\'"{_AT_END}':
        return text.count("\n", 0, text.rindex("'")) + 1, "a quote (') that is not closed"
    if message.endswith(_AT_END):
        return text.count("\n") + 1, f"at the end of the file: {message.removesuffix(_AT_END)}"
    return None, message


def _explained(line: str) -> tuple[str, str, str] | None:
    """What was found in a line, what is expected, and the line to write; None where unknown."""
    pieces = _PIECES.findall(line)
    expected, repaired = next((each for each in _repairs(pieces) if _is_toml(each[1])), ("", ""))
    advice = f"Write: {repaired.strip()}" if repaired else ""
    between = "".join(each for each in pieces if not _is_whole(each))
    odd = next((char for char in between if straight(char) != char), None)
    if odd is not None:
        return *describe(odd), advice
    if any(each in ('"', "'") for each in pieces):
        return "a quote that is not closed", "a text between two quotes", advice
    if _HEADER.fullmatch(line):
        return line.strip(), _TABLE, advice
    if repaired:
        return line.strip(), expected, advice
    assigned = _assigned(pieces)
    is_date = assigned is not None and is_impossible_date(assigned[1])
    return (line.strip(), _DATE, "") if is_date else None


def _repairs(pieces: list[str]) -> Iterator[tuple[str, str]]:
    """What a line may lack, and the line with it."""
    quoted = _between(pieces, lambda text: "".join(QUOTES.get(char, char) for char in text))
    yield "other characters", _between(_PIECES.findall(quoted), straightened)
    if _HEADER.fullmatch("".join(pieces)):
        yield _TABLE, re.sub(r"(?<=\w)\s+(?=\w)", "-", "".join(pieces))
    with_commas = _between(pieces, lambda text: ", " if text.isspace() else text)
    yield "a comma between two texts", with_commas
    assigned = _assigned(pieces)
    if assigned is not None and not is_impossible_date(assigned[1]):
        key, value = assigned
        text = json.dumps(value.strip("\"'"), ensure_ascii=False)
        yield _VALUE, f"{key} = {literal(value) or text}"


def _assigned(pieces: list[str]) -> tuple[str, str] | None:
    """The key and the value of a line that seems to have one of each."""
    assignment = _ASSIGNMENT.fullmatch("".join(each for each in pieces if each[0] != "#"))
    if assignment is None or _NOT_ONE_VALUE.search(assignment[2]):
        return None
    value = _COMMENT.sub("", straightened(assignment[2])).strip(" \t;,")
    return assignment[1].strip(), value


def _between(pieces: list[str], change: Callable[[str], str]) -> str:
    """The line with a change of all but strings and comments."""
    return "".join(each if _is_whole(each) else change(each) for each in pieces)


def _is_whole(piece: str) -> bool:
    """Whether a piece is a string or a comment."""
    return len(piece) > 1 and piece[0] in "\"'#"


def _is_toml(line: str) -> bool:
    """Whether a line is TOML by itself, or as elements of an array."""
    for text in (line, f"array = [\n{line}\n]"):
        try:
            tomllib.loads(text)
        except (ValueError, RecursionError):
            continue
        return True
    return False
