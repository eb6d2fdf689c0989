"""Where each value of a loaded config came from, through includes and pruning.

A value has three paths. In the **config** it is where the model has it. In the **merged**
document of all files an array may be longer, since the config leaves out elements that are
wrong. In its **file** an array may be shorter, since included files add to it. This module
maps one path to the next, so that every layer can name file and line of a config value.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from resolver.config.problems import Problem, Severity
from resolver.config.toml_lines import Path, TomlLines, path_text

Document = dict[str, object]

ANY = -1
"""Stands in a pattern for every key of a table and every index of an array."""


@dataclass(frozen=True, slots=True)
class Location:
    """A file, the path of a value in it, and the lines of the file."""

    file: str
    path: Path
    lines: TomlLines

    @property
    def line(self) -> int | None:
        """The line of the value."""
        return self.lines.line(self.path)

    def problem(
        self, found: str, expected: str, advice: str = "", severity: Severity = "error"
    ) -> Problem:
        """A problem with the value."""
        path = path_text(self.path)
        return Problem(severity, self.file, self.line, path, found, expected, advice)

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{place} ({path_text(self.path)})"


@dataclass(frozen=True, slots=True)
class MergedDocument:
    """What the files say together, and which file says what."""

    document: Document
    sources: Mapping[Path, Location]
    complete: bool = True
    """Whether every file that was named could be read."""

    def source(self, path: Path) -> Location:
        """Where a value of the document stands."""
        for end in range(len(path), -1, -1):
            if (known := self.sources.get(path[:end])) is not None:
                return Location(known.file, known.path + path[end:], known.lines)
        raise KeyError(path)  # the document itself always has a source

    def at(self, path: Path) -> object:
        """What the files say at a path, or None."""
        value: object = self.document
        for part in path:
            value = _inner(value, part)
        return value

    def matching(self, pattern: Path) -> Iterator[tuple[Path, object]]:
        """Every value whose path is like the pattern, with its path."""
        found: list[tuple[Path, object]] = [((), self.document)]
        for part in pattern:
            found = [
                ((*path, inner), _inner(value, inner))
                for path, value in found
                for inner in _parts(value)
                if part in (inner, ANY)
            ]
        return iter(found)

    def names(self, section: str) -> list[str]:
        """The names that a section defines, whether or not what they define is understood."""
        table = self.document.get(section)
        return list(table) if isinstance(table, dict) else []


def _parts(value: object) -> Iterable[str | int]:
    if isinstance(value, dict):
        return value
    return range(len(value)) if isinstance(value, list) else ()


def _inner(value: object, part: str | int) -> object:
    if isinstance(value, dict):
        return value.get(part)
    if isinstance(value, list) and isinstance(part, int) and part < len(value):
        return value[part]
    return None


@dataclass(frozen=True, slots=True)
class Provenance:
    """Turns a path of the config into a problem with its file and line."""

    merged: MergedDocument
    pruned: frozenset[Path] = frozenset()
    """The paths of the merged document that could not be understood and are not in the config."""
    kept: Mapping[Path, list[int]] = field(default_factory=dict)
    """For each merged array that lost elements: the indices of the elements that stayed."""

    def path(self, path: Path) -> Path:
        """The path of a config's value in the merged document."""
        merged: Path = ()
        for part in path:
            if isinstance(part, int) and (kept := self.kept.get(merged)) is not None:
                part = kept[part] if part < len(kept) else part
            merged = (*merged, part)
        return merged

    def whole(self, path: Path) -> bool:
        """Whether the config has all that the files say at a path."""
        merged = self.path(path)
        return not any(each[: len(merged)] == merged for each in self.pruned)

    def source(self, path: Path) -> Location:
        """Where a value of the config stands; as text, ``config.toml:41 (vlans.a.policy)``."""
        return self.merged.source(self.path(path))

    def problem(
        self,
        path: Path,
        found: str,
        expected: str,
        advice: str = "",
        severity: Severity = "error",
    ) -> Problem:
        """A problem with a value of the config; ``found`` is ready to be read (``shown``)."""
        return self.source(path).problem(found, expected, advice, severity)
