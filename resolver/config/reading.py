"""Read config.toml and the files it includes into one document.

How it works: the first file names patterns, and each file that matches is merged. An
included file may add entries to sections (another VLAN, another exemption) and elements to
arrays; a second definition is an error. Every value keeps its location. Where the first file has a
[policy_source], the config.toml that was pulled from there is merged last (``pulled_policy``).

What must stay true: nothing that a file contains raises. A file that cannot be read is a
problem; ``MergedDocument.complete`` is then false, since definitions may be missing.
"""

import posixpath
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from typing import Protocol

from resolver.config import pulled_policy
from resolver.config.problems import Problem, Severity, toml_text
from resolver.config.provenance import Document, Location, MergedDocument
from resolver.config.syntax import not_toml, not_utf8
from resolver.config.toml_lines import Path, TomlLines


class ConfigFiles(Protocol):
    """Opens files; this package does no I/O, and tests hold files in memory."""

    def read(self, path: str) -> str:
        """The text of a file; raises OSError or UnicodeDecodeError."""

    def glob(self, pattern: str) -> list[str]:
        """The paths of the files that match, sorted; an invalid pattern matches none.

        OSError where a directory cannot be listed.
        """

    def pulled(self, path: str) -> str:
        """The path of the config.toml that the config at ``path`` has pulled, or will pull."""


def read_merged(path: str, files: ConfigFiles) -> tuple[MergedDocument, list[Problem]]:
    """Read a file and all files that it includes."""
    merger = _Merger(path, files)
    merger.run()
    return MergedDocument(merger.document, merger.locations, merger.complete), merger.problems


def _parse(name: str, files: ConfigFiles) -> tuple[Document, Location] | Problem:
    """The content of a file and the location of its root, or why it cannot be read."""
    text = ""
    try:
        text = files.read(name)
        return tomllib.loads(text), Location(name, (), TomlLines(text))
    except UnicodeDecodeError as error:
        return not_utf8(name, error)
    except OSError as error:
        reason, expected = error.strerror or str(error), "a file that can be read"
    except RecursionError:
        reason, expected = "arrays or tables nested too deep", "valid TOML"
    except ValueError as error:
        return not_toml(name, str(error), text)
    return Problem("error", name, None, "", reason, expected)


class _Merger:
    def __init__(self, path: str, files: ConfigFiles) -> None:
        self._path = path
        self._files = files
        self.document: Document = {}
        self.locations: dict[Path, Location] = {(): Location(path, (), TomlLines(""))}
        self.problems: list[Problem] = []
        self.complete = True

    def run(self) -> None:
        patterns = self._add(self._path)
        for name in self._included(patterns):
            self._add(name)
        source = self.document.get("policy_source")
        if isinstance(source, dict) and source.get("repository"):
            self._add_pulled(self._files.pulled(self._path))

    def _add_pulled(self, name: str) -> None:
        """Merge the config.toml of the repository."""
        parsed = _parse(name, self._files)
        if isinstance(parsed, Problem):
            self.complete = False
            self.problems.append(replace(parsed, advice=parsed.advice or pulled_policy.ADVICE))
            return
        document, root = parsed
        self.problems += pulled_policy.local_sections(document, root)
        self._merge(self.document, pulled_policy.policy(document, name), (), root)

    def _add(self, name: str) -> object:
        """Merge a file; its ``include``."""
        parsed = _parse(name, self._files)
        if isinstance(parsed, Problem):
            self.complete = False
            self.problems.append(parsed)
            return None
        document, root = parsed
        include = document.get("include")
        if name != self._path and document.pop("include", None) is not None:
            advice = f"Name the files in the include of {self._path}."
            expected = "none in a file that is itself included"
            self.problems.append(root.at(("include",)).problem("an include", expected, advice))
        self._merge(self.document, document, (), root)
        return include

    def _included(self, patterns: object) -> Iterator[str]:
        """The files that the patterns of the first file match, each once."""
        seen = {posixpath.normpath(self._path)}
        for index, pattern in enumerate(patterns if isinstance(patterns, list) else ()):
            if not isinstance(pattern, str):
                continue
            for name in self._matching(index, pattern):
                if posixpath.normpath(name) not in seen:
                    seen.add(posixpath.normpath(name))
                    yield name

    def _matching(self, index: int, pattern: str) -> list[str]:
        """The files that a pattern matches; a problem where there is none."""
        files: list[str] = []
        why = ""
        try:
            files = self._files.glob(posixpath.join(posixpath.dirname(self._path), pattern))
        except OSError as error:
            why = f"{error.filename} cannot be read: {error.strerror}."
            self.complete = False
        if not files:
            source = self.locations["include",].at((index,))
            expected = "a pattern that matches a file, relative to the file that names it"
            severity: Severity = "error" if why else "warning"
            problem = source.problem(toml_text(pattern), expected, why, severity=severity)
            self.problems.append(problem)
        return files

    def _merge(self, into: Document, more: Document, around: Path, root: Location) -> None:
        """Add the values of a file; tables are merged only where they are a whole section."""
        for key, value in more.items():
            path = (*around, key)
            present = into.get(key)
            if present is None:
                into[key] = value
                self.locations[path] = root.at(path)
            elif isinstance(present, list) and isinstance(value, list):
                into[key] = [*present, *value]
                for index in range(len(value)):
                    self.locations[*path, len(present) + index] = root.at((*path, index))
            elif isinstance(present, dict) and isinstance(value, dict) and not around:
                into[key] = section = dict(present)
                self._merge(section, value, path, root)
            else:
                first = MergedDocument(self.document, self.locations).location(path)
                advice = f"It is defined first at {first}."
                problem = root.at(path).problem("a second definition", "one definition", advice)
                self.problems.append(problem)
