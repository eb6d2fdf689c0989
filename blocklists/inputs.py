"""The inputs of the block lists: what other projects and our surveys list, pinned by SHA-256.

The inputs are no part of the repository, since their licences differ. ``sources.lock`` names each
file with its hash, and each source with its address, version and licence.
"""

import hashlib
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from resolver.dns import names
from resolver.lists.formats import FORMATS

DATA = Path(__file__).parents[2] / "shared" / "data"
_WHOLE = ("services", "sources/v2fly")
"""Folders of which each file is an input."""
_TOKENS = re.compile(r"[,;]")


class PinnedFile(NamedTuple):
    """A file of the inputs, as ``sources.lock`` names it."""

    format: str
    """``v2fly``, ``table``, or a list format."""
    lists: tuple[str, ...]
    """The lists that decide its names; none where ``why`` says why."""
    sha256: str
    source: str = ""
    """The source of all its names; empty for a table."""
    column: int = 0
    """The column of a table that names the sources of each row, from 0."""
    why: str = ""


class Lock(NamedTuple):
    """``sources.lock``."""

    sources: dict[str, str]
    """What each source is, by its short name, in the file's order."""
    inputs: frozenset[str]
    """The sources whose names are in the files; of the others only the decisions know."""
    tokens: dict[str, str]
    """The source that a token of a table means."""
    files: dict[str, PinnedFile]


class Found(NamedTuple):
    """A name of an input."""

    name: str
    sources: frozenset[str]
    lists: tuple[str, ...]
    file: str


def read_lock(path: Path) -> Lock:
    """Read ``sources.lock``; KeyError or TypeError where an entry lacks something."""
    document = tomllib.loads(path.read_text(encoding="utf-8"))
    inputs = {name: entry["what"] for name, entry in document["inputs"].items()}
    files = {name: _pinned(entry) for name, entry in document["files"].items()}
    tokens = {entry.get("token", name): name for name, entry in document["inputs"].items()}
    return Lock(document["evidence"] | inputs, frozenset(inputs), tokens, files)


def _pinned(entry: dict[str, Any]) -> PinnedFile:
    return PinnedFile(**{**entry, "lists": tuple(entry["lists"])})


def changed_files(lock: Lock, data: Path) -> list[str]:
    """What is wrong with the files of the inputs; nothing where they are as they were decided."""
    problems = []
    for name, pinned in lock.files.items():
        if not (data / name).is_file():
            problems.append(f"{data / name}: is missing; sources.lock names it")
        elif (digest := hashlib.sha256((data / name).read_bytes()).hexdigest()) != pinned.sha256:
            problems.append(
                f"{data / name}: altered: SHA-256 {digest}, but sources.lock expects "
                f"{pinned.sha256}. Compare the file with its source; then pin it anew."
            )
    present = {
        str(path.relative_to(data)) for folder in _WHOLE for path in data.glob(f"{folder}/*")
    }
    unknown = sorted(present - lock.files.keys() - {f"{folder}/LICENSE" for folder in _WHOLE})
    return problems + [
        f"{data / name}: sources.lock does not name it: add it, with its hash and its lists"
        for name in unknown
    ]


def found_names(lock: Lock, data: Path) -> Iterator[Found]:
    """Every name of the inputs that some list must decide."""
    for file, pinned in lock.files.items():
        if pinned.lists:
            for name, sources in _names(pinned, (data / file).read_text(encoding="utf-8")):
                known = [lock.tokens[source] for source in sources if source in lock.tokens]
                yield Found(name, frozenset(known), pinned.lists, file)


def _names(pinned: PinnedFile, text: str) -> Iterator[tuple[str, list[str]]]:
    if pinned.format == "table":
        rows = (line.split("\t") for line in text.splitlines() if not line.startswith("#"))
        for row in rows:
            tokens = _TOKENS.split(row[pinned.column].removeprefix("#"))
            yield row[0], [pinned.source or token.strip() for token in tokens]
    elif pinned.format == "v2fly":
        yield from ((name, [pinned.source]) for name in _v2fly(text))
    else:
        for rule in FORMATS[pinned.format](text, "", "").rules:
            yield names.text(rule.name), [pinned.source]


def _v2fly(text: str) -> Iterator[str]:
    """Names of a data file of domain-list-community; an included file is an input of its own."""
    for line in text.splitlines():
        content = line.partition("#")[0].split()
        if content and not content[0].startswith("include:"):
            yield content[0].removeprefix("full:").removeprefix("domain:")
