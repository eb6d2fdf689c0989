"""The line of each value of a TOML text.

How it works: tomllib has already accepted the text, so this scanner checks nothing. It goes
from token to token (comments, strings, keys, brackets) and notes the line where each header,
key and array element begins. It keeps its own stack, so that deep nesting cannot exceed
Python's recursion limit.

What must stay true: every path in tomllib's result has a line.
"""

import re
import tomllib
from bisect import bisect_right
from dataclasses import dataclass

Path = tuple[str | int, ...]

_BLANK = re.compile(r"(?:[ \t\n,]|#[^\n]*)*")
_STRING = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}' r"|'''.*?'{3,5}" r'|"(?:\\.|[^"\\\n])*"' r"|'[^'\n]*'", re.DOTALL
)
_BARE_VALUE = re.compile(r"[^,\]}#\n]+")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_BETWEEN_KEYS = re.compile(r"[ \t]*\.[ \t]*")
_EQUALS = re.compile(r"[ \t]*=[ \t]*")
_CLOSING = re.compile(r"[ \t]*\]{1,2}")


class TomlLines:
    """The lines of one text that tomllib accepts."""

    def __init__(self, text: str) -> None:
        self._lines = _Scanner(text.replace("\r\n", "\n")).lines

    def line(self, path: Path) -> int | None:
        """The line of a value, or of the nearest table or array around it that has one."""
        for end in range(len(path), 0, -1):
            if path[:end] in self._lines:
                return self._lines[path[:end]]
        return None


def first_definition(text: str, end: int) -> tuple[Path, int] | None:
    """The path that the last definition before ``end`` defines again, and the line of the first.

    Of a text that tomllib refuses there. None where no table or key around it was defined before.
    """
    again = _Scanner(text[:end])
    lines = _Scanner(text[: again.last_at]).lines
    path = again.last
    while path and path not in lines:
        path = path[:-1]
    return (path, lines[path]) if path else None


def path_text(path: Path) -> str:
    """A path as people write it: ``vlans.administration.prefixes[1]``."""
    parts = [f"[{part}]" if isinstance(part, int) else f".{_key(part)}" for part in path]
    return "".join(parts).removeprefix(".")


def _key(name: str) -> str:
    return name if _BARE_KEY.fullmatch(name) else f'"{name}"'.replace("\n", "\\n")


@dataclass(slots=True)
class _Open:
    """An array or an inline table that the scanner is inside."""

    path: Path
    is_array: bool
    count: int = 0
    """Elements so far."""


class _Scanner:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._starts = [newline.end() for newline in re.finditer("\n", text)]
        self._lengths: dict[Path, int] = {}
        self.lines: dict[Path, int] = {}
        self.last: Path = ()
        """The path of the last header, or of the last key that is not inside a value."""
        self.last_at = 0
        """Where it begins."""
        self._scan()

    def _scan(self) -> None:
        table: Path = ()
        self._skip(_BLANK)
        while self._at < len(self._text):
            self.last_at = self._at
            if self._text[self._at] == "[":
                self.last = table = self._header()
            else:
                self.last = self._assigned(table)
                self._value(self.last)
            self._skip(_BLANK)

    def _skip(self, pattern: re.Pattern[str]) -> bool:
        """Skip what matches here; whether anything does."""
        token = pattern.match(self._text, self._at)
        if token is not None:
            self._at = token.end()
        return token is not None

    def _header(self) -> Path:
        line = self._line()
        is_array = self._text.startswith("[[", self._at)
        self._at += 2 if is_array else 1
        self._skip(_BLANK)
        path = self._table(self._keys(), is_array, line)
        self._skip(_CLOSING)
        self.lines[path] = line
        return path

    def _table(self, keys: list[str], is_array: bool, line: int) -> Path:
        """The path of a header; an array of tables on the way means its last element."""
        path: Path = ()
        for position, key in enumerate(keys):
            path = (*path, key)
            self.lines.setdefault(path, line)
            if is_array and position == len(keys) - 1:
                self._lengths[path] = self._lengths.get(path, 0) + 1
            if path in self._lengths:
                path = (*path, self._lengths[path] - 1)
        return path

    def _assigned(self, table: Path) -> Path:
        """Skip ``key.key =`` and note the line of each key."""
        line = self._line()
        path = table
        for key in self._keys():
            path = (*path, key)
            self.lines.setdefault(path, line)
        self._skip(_EQUALS)
        return path

    def _keys(self) -> list[str]:
        keys = [self._one_key()]
        while self._skip(_BETWEEN_KEYS):
            keys.append(self._one_key())
        return keys

    def _one_key(self) -> str:
        start = self._at
        if self._skip(_BARE_KEY):
            return self._text[start : self._at]
        self._skip(_STRING)
        literal = self._text[start : self._at]
        return str(tomllib.loads(f"key = {literal}")["key"])

    def _value(self, path: Path) -> None:
        """Skip a value and all values inside it."""
        stack: list[_Open] = []
        self._enter(path, stack)
        while stack:
            inner = self._next(stack[-1])
            if inner is None:
                stack.pop()
            else:
                self._enter(inner, stack)

    def _enter(self, path: Path, stack: list[_Open]) -> None:
        first = self._text[self._at]
        if first in "[{":
            self._at += 1
            stack.append(_Open(path, is_array=first == "["))
        elif not self._skip(_STRING):
            self._skip(_BARE_VALUE)

    def _next(self, around: _Open) -> Path | None:
        """The path of the next value inside, or None where the array or table ends."""
        self._skip(_BLANK)
        if self._text[self._at] in "]}":
            self._at += 1
            return None
        if not around.is_array:
            return self._assigned(around.path)
        path = (*around.path, around.count)
        around.count += 1
        self.lines[path] = self._line()
        return path

    def _line(self) -> int:
        return bisect_right(self._starts, self._at) + 1
