"""What is wrong with a config, told so that it can be mended without looking anything up.

A problem names the file, the line, the path of the value, what was found there and
what is allowed instead. Nothing that an operator writes becomes an exception before all
of its problems are known: they are collected, and reported whole.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, time
from difflib import get_close_matches
from typing import Literal

Severity = Literal["error", "warning"]

_LONGEST_SHOWN = 80
_MOST_NAMED = 16
_LARGEST_SHOWN = 10**20
"""Python refuses to print integers of thousands of digits, which TOML can hold."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong; ``found`` and ``expected`` are ready to be read (see ``shown``)."""

    severity: Severity
    file: str
    line: int | None
    path: str
    found: str
    expected: str
    advice: str = ""

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        warning = " warning:" if self.severity == "warning" else ""
        path = f" {self.path}:" if self.path else ""
        advice = f". {self.advice}" if self.advice else ""
        start = f"{place}:{warning}{path}"
        return f"{start} found {self.found}; expected {self.expected}{advice}"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Advice that offers the known name most like this one, or nothing if none is like it."""
    by_lower = {each.lower(): each for each in known}
    close = get_close_matches(name.lower(), by_lower, n=1)
    return f'Did you mean "{by_lower[close[0]]}"?' if close else ""


def one_of(known: Iterable[str]) -> str:
    """What to expect where only known names are allowed."""
    names = list(known)
    if not names:
        return "nothing, since none is defined"
    more = f", ... ({len(names)} in all)" if len(names) > _MOST_NAMED else ""
    return "one of " * (len(names) > 1) + ", ".join(names[:_MOST_NAMED]) + more


def toml_text(value: object) -> str:
    """A value as TOML would write it, cut to what fits a line; tables and arrays by their size."""
    match value:
        case str():
            return _cut(json.dumps(value, ensure_ascii=False))
        case bool():
            return str(value).lower()
        case int() if abs(value) >= _LARGEST_SHOWN:
            return "a very large number"
        case dict():
            return "a table"
        case list():
            return f"an array of {len(value)}" if value else "an empty array"
        case date() | time():
            return value.isoformat()
        case _:
            return _cut(str(value))


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 3] + "..."
