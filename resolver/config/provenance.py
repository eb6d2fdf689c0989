"""Where each value of a loaded config came from, through includes and pruning.

A value has three paths. In the **config** it is where the model has it. In the **merged**
document of all files an array may be longer, since the config leaves out elements that are
wrong. In its **file** an array may be shorter, since included files add to it. This module
maps one path to the next, so that every layer can name file and line of a config value.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pydantic import BaseModel

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

    def at(self, path: Path) -> "Location":
        """The location of a value inside this one."""
        return Location(self.file, self.path + path, self.lines)

    def problem(
        self,
        actual: str,
        expected: str,
        advice: str = "",
        severity: Severity = "error",
        code: str = "",
    ) -> Problem:
        """A problem with the value."""
        path = path_text(self.path)
        return Problem(severity, self.file, self.line, path, actual, expected, advice, code)

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{place} ({path_text(self.path)})"


@dataclass(frozen=True, slots=True)
class MergedDocument:
    """All files as one document, and where each value of it is."""

    document: Document
    locations: Mapping[Path, Location]
    complete: bool = True
    """Whether every file that was named could be read."""
    unresolved: frozenset[Path] = frozenset()
    """The policies of which it is unknown what they inherit: the config has none of them."""

    def location(self, path: Path) -> Location:
        """Where a value of the document is."""
        for end in range(len(path), -1, -1):
            if (known := self.locations.get(path[:end])) is not None:
                return known.at(path[end:])
        raise KeyError(path)  # the document itself always has a location

    def at(self, path: Path) -> object:
        """The value at a path, or None."""
        return next((value for _, value in matching(self.document, path)), None)

    def names(self, section: str) -> list[str]:
        """The names that a section defines, whether or not the definitions are valid."""
        table = self.document.get(section)
        return list(table) if isinstance(table, dict) else []


def matching(value: object, pattern: Path) -> list[tuple[Path, object]]:
    """Every value of a document or a config whose path is like the pattern, with its path."""
    values: list[tuple[Path, object]] = [((), value)]
    for part in pattern:
        values = [
            ((*path, key), inner)
            for path, outer in values
            for key, inner in items(outer)
            if part in (key, ANY)
        ]
    return values


def items(value: object) -> Iterable[tuple[str | int, object]]:
    """The values right inside a table, an array or a section, with their keys or indices."""
    match value:
        case dict():
            return value.items()
        case list() | tuple():
            return enumerate(value)
        case BaseModel():
            return value
    return ()


@dataclass(frozen=True, slots=True)
class Provenance:
    """Turns a path of the config into a problem with its file and line."""

    merged: MergedDocument
    pruned: frozenset[Path] = frozenset()
    """The paths of the merged document that are invalid, and so not in the config."""
    kept: Mapping[Path, list[int]] = field(default_factory=dict)
    """For each merged array that lost elements: the indices of the elements that stayed."""
    unknown: tuple[str, ...] = ()
    """The keys of the whole document that are no section: each may be a misspelled section."""

    def path(self, path: Path) -> Path:
        """The path of a config's value in the merged document."""
        merged: Path = ()
        for part in path:
            if isinstance(part, int) and (kept := self.kept.get(merged)) is not None:
                part = kept[part] if part < len(kept) else part
            merged = (*merged, part)
        return merged

    def whole(self, path: Path) -> bool:
        """Whether the config has every value that the files have, or may have, at a path."""
        merged = self.path(path)
        return not self.unknown and not any(
            pruned[: len(merged)] == merged for pruned in self.pruned
        )

    def names(self, section: str) -> set[str]:
        """The names that the files define in a section, or in what may be meant for it."""
        return {name for key in (section, *self.unknown) for name in self.merged.names(key)}

    def location(self, path: Path) -> Location:
        """Where a value of the config is; as text, ``config.toml:41 (vlans.a.policy)``."""
        return self.merged.location(self.path(path))

    def problem(
        self,
        path: Path,
        actual: str,
        expected: str,
        advice: str = "",
        severity: Severity = "error",
        code: str = "",
    ) -> Problem:
        """A problem with a value of the config; ``actual`` is a text to show (``toml_text``)."""
        if self.origin(path) != path[1:2]:
            advice = f"{advice} Policy {path[1]} inherits it.".lstrip()
        return self.location(path).problem(actual, expected, advice, severity, code)

    def origin(self, path: Path) -> Path:
        """The name in the path of a value; of a value that a policy inherits, whose it is."""
        return self.location(path).path[1:2] if path[:1] == ("policies",) else path[1:2]
