"""Reading config.toml and the files it includes into one document.

How it works: the first file names patterns, and each file that matches is merged in. An
included file may add entries to the sections (another VLAN, another exemption) and
elements to arrays; it may say nothing a second time. Every value keeps its source.

What must stay true: nothing a file contains raises; what cannot be read is a problem, and
``Given.complete`` then tells later checks that definitions may be missing.
"""

import posixpath
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from resolver.config.problems import Problem, toml_text
from resolver.config.provenance import Document, Location, MergedDocument
from resolver.config.toml_lines import Path, TomlLines

_POSITION = re.compile(r" \(at line (\d+), column (\d+)\)$")
_AT_END = " (at end of document)"


class ConfigFiles(Protocol):
    """How files are read; the edges open them, and tests hold them in memory."""

    def read(self, path: str) -> str:
        """The text of a file; raises OSError or UnicodeDecodeError."""

    def glob(self, pattern: str) -> list[str]:
        """The paths of the files that match, sorted; an odd pattern matches none."""


@dataclass(frozen=True, slots=True)
class _File:
    name: str
    document: Document
    lines: TomlLines

    def source(self, path: Path) -> Location:
        return Location(self.name, path, self.lines)


def read_merged(path: str, files: ConfigFiles) -> tuple[MergedDocument, list[Problem]]:
    """Read a file and all that it includes."""
    gathering = _Gathering(path, files)
    gathering.run()
    merged = MergedDocument(gathering.document, gathering.sources, gathering.complete)
    return merged, gathering.problems


def _read(name: str, files: ConfigFiles) -> _File | Problem:
    try:
        text = files.read(name)
    except UnicodeDecodeError as error:
        found = f"bytes that are not UTF-8, the first at offset {error.start}"
        return Problem("error", name, None, "", found, "a text in UTF-8")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else None
        return Problem("error", name, None, "", reason or str(error), "a file that can be read")
    return _parse(name, text)


def _parse(name: str, text: str) -> _File | Problem:
    try:
        return _File(name, tomllib.loads(text), TomlLines(text))
    except ValueError as error:
        line, found = _syntax_error(str(error), text)
    except RecursionError:
        line, found = None, "arrays or tables nested too deep"
    return Problem("error", name, line, "", found, "valid TOML")


class _Gathering:
    def __init__(self, path: str, files: ConfigFiles) -> None:
        self._path = path
        self._files = files
        self.document: Document = {}
        self.sources: dict[Path, Location] = {(): Location(path, (), TomlLines(""))}
        self.problems: list[Problem] = []
        self.complete = True

    def run(self) -> None:
        main = self._open(self._path)
        if main is None:
            return
        self._merge(self.document, main.document, (), main)
        for name in self._included(main):
            file = self._open(name)
            if file is not None:
                self._include(file)

    def _open(self, name: str) -> _File | None:
        read = _read(name, self._files)
        if isinstance(read, _File):
            return read
        self.complete = False
        self.problems.append(read)
        return None

    def _included(self, main: _File) -> Iterator[str]:
        """The files that the patterns of the first file match, each once."""
        patterns = main.document.get("include")
        seen = {posixpath.normpath(main.name)}
        for index, pattern in enumerate(patterns if isinstance(patterns, list) else ()):
            if not isinstance(pattern, str):
                continue
            names = self._files.glob(posixpath.join(posixpath.dirname(main.name), pattern))
            if not names:
                self._matches_none(main.source(("include", index)), pattern)
            for name in names:
                if posixpath.normpath(name) not in seen:
                    seen.add(posixpath.normpath(name))
                    yield name

    def _matches_none(self, source: Location, pattern: str) -> None:
        expected = "a pattern that matches a file, seen from the file that names it"
        self.problems.append(source.problem(toml_text(pattern), expected, severity="warning"))

    def _include(self, file: _File) -> None:
        document = dict(file.document)
        if document.pop("include", None) is not None:
            source = file.source(("include",))
            advice = f"Name the files in the include of {self._path}."
            self.problems.append(
                source.problem("an include", "none in a file that is itself included", advice)
            )
        self._merge(self.document, document, (), file)

    def _merge(self, into: Document, more: Document, around: Path, file: _File) -> None:
        """Add what a file says; a table is taken apart only where it is a whole section."""
        for key, value in more.items():
            path = (*around, key)
            present = into.get(key)
            if present is None:
                into[key] = value
                self.sources[path] = file.source(path)
            elif isinstance(present, list) and isinstance(value, list):
                into[key] = [*present, *value]
                self._note_elements(path, len(present), len(value), file)
            elif isinstance(present, dict) and isinstance(value, dict) and not around:
                into[key] = section = dict(present)
                self._merge(section, value, path, file)
            else:
                self._said_twice(path, file)

    def _note_elements(self, path: Path, before: int, added: int, file: _File) -> None:
        for index in range(added):
            self.sources[*path, before + index] = file.source((*path, index))

    def _said_twice(self, path: Path, file: _File) -> None:
        first = MergedDocument(self.document, self.sources).source(path)
        advice = f"It is defined first at {first}."
        problem = file.source(path).problem("a second definition", "one definition", advice)
        self.problems.append(problem)


def _syntax_error(message: str, text: str) -> tuple[int | None, str]:
    """Part tomllib's message into the line and what it says, with the column."""
    position = _POSITION.search(message)
    if position is not None:
        said = message[: position.start()]
        return int(position[1]), f"at column {position[2]}: {said}"
    if message.endswith(_AT_END):
        return text.count("\n") + 1, f"at the end of the file: {message.removesuffix(_AT_END)}"
    return None, message
