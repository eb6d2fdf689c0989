"""What is wrong with a config, in words that an operator can act on.

A problem names the file, the line, the path of the value, what was found there and what is
allowed instead. All problems are collected, and reported together.

To add an error: the compiler adds a ``Problem`` to its list and goes on. A config in
tests/config/wrong draws it, with the message beside it. What is no error, and may be a mistake, is
a warning with a kind (``warnings``).
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, time
from difflib import get_close_matches
from typing import Literal

Severity = Literal["error", "warning"]

_MAX_LENGTH = 80
_MAX_NAMES = 16
_MAX_INTEGER = 10**20
"""Python refuses to print integers of thousands of digits, which TOML can hold."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem; ``found`` and ``expected`` are texts to show (see ``toml_text``).

    A warning that has a ``code`` can be acknowledged by it: ``KIND`` or ``KIND:NAME``.
    """

    severity: Severity
    file: str
    line: int | None
    path: str
    found: str
    expected: str
    advice: str = ""
    code: str = ""

    @property
    def kind(self) -> str:
        """The kind of a warning that can be acknowledged; empty for other problems."""
        return self.code.partition(":")[0]

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        code = f" [{self.code}]" if self.code else ""
        warning = f" warning{code}:" if self.severity == "warning" else ""
        path = f" {self.path}:" if self.path else ""
        advice = f". {self.advice}" if self.advice else ""
        start = f"{place}:{warning}{path}"
        return f"{start} found {self.found}; expected {self.expected}{advice}"


def without_repeats(problems: Iterable[Problem]) -> list[Problem]:
    """The problems without those of a value that several policies have, but the first.

    Of these the one with the shortest advice stays, which is that of the policy that has the value.
    """
    first: dict[Problem, Problem] = {}
    for problem in problems:
        key = replace(problem, advice="")
        if key not in first or len(problem.advice) < len(first[key].advice):
            first[key] = problem
    return list(first.values())


def problem_lines(problems: Iterable[Problem]) -> list[str]:
    """Problems as lines: each error, and a line for the warnings of one kind.

    Such a line has the first warning as a whole, and of the others the name and the place.
    """
    by_kind: dict[tuple[str, str] | int, list[Problem]] = {}
    for index, problem in enumerate(problems):
        by_kind.setdefault((problem.kind, problem.expected) if problem.kind else index, []).append(
            problem
        )
    return [_line(*group) for group in by_kind.values()]


def _line(first: Problem, *others: Problem) -> str:
    """A warning, and where there are others of its kind."""
    if not others:
        return str(first)
    places = [_also(other, first) for other in others[:_MAX_NAMES]]
    more = len(others) - len(places)
    places += [f"and {more} more (check --json has each)"] if more else []
    return f"{first}{'' if first.advice else '.'} Also {', '.join(places)}."


def _also(other: Problem, first: Problem) -> str:
    """The name of a warning, what it has found if that is something else, and its place."""
    name = other.code.partition(":")[2] or other.path
    difference = f" with {other.found}" if other.found != first.found else ""
    file = "" if other.file == first.file else f"{other.file}:"
    line = "" if other.line is None else f"{'' if file else 'line '}{other.line}"
    place = f" ({file}{line})" if file or line else ""
    return f"{name}{difference}{place}"


def closest(name: str, known: Iterable[str]) -> str:
    """The known name most like this one; empty if none is like it."""
    by_lower = {candidate.lower(): candidate for candidate in known}
    close = get_close_matches(name.lower(), by_lower, n=1)
    return by_lower[close[0]] if close else ""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Advice with the known name most like this one; empty if none is like it."""
    meant = closest(name, known)
    return f'Did you mean "{meant}"?' if meant else ""


def one_of(known: Iterable[str]) -> str:
    """The text for ``expected`` where only known names are allowed."""
    names = list(known)
    if not names:
        return "a name that the config defines, and it defines none"
    more = f", ... ({len(names)} in all)" if len(names) > _MAX_NAMES else ""
    one = "one of " if len(names) > 1 else ""
    return one + ", ".join(names[:_MAX_NAMES]) + more


def toml_text(value: object) -> str:
    """A value as TOML writes it, cut to fit a line; of tables and arrays only the size."""
    match value:
        case str():
            return _cut(json.dumps(value, ensure_ascii=False))
        case bool():
            return str(value).lower()
        case int() if abs(value) >= _MAX_INTEGER:
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
    return text if len(text) <= _MAX_LENGTH else text[: _MAX_LENGTH - 3] + "..."
