"""The lists of a config, read from disk: the agency's directories, and the lists of others.

A list of its own that cannot be used is an error, since somebody here can mend it, and what it
bans would pass. Of a list that is fetched the last good copy is used; while there is none it
blocks nothing, which is a warning: a server must be able to start without the network.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path

from resolver.config.load import LoadedConfig
from resolver.config.model import Config, ListSourceConfig
from resolver.config.problems import Problem, Severity, did_you_mean, one_of, toml_text
from resolver.dns import names
from resolver.lists import adblock
from resolver.lists.acceptance import MAX_LIST_BYTES, read_untrusted
from resolver.lists.guard import ProtectedNames
from resolver.lists.reading import shortened
from resolver.lists.rules import BlockList, Rule, SkippedLine
from resolver.snapshot.list_store import ListStore

_SERVICE = re.compile(r"[a-z0-9-]+")


def read_lists(
    base: Path, shelf: ListStore, loaded: LoadedConfig, problems: list[Problem]
) -> list[BlockList]:
    """Read every list of a config that lies in ``base``, and tell what is wrong with them."""
    lists = list(_own_lists(base, loaded, problems))
    categories = {each.service: each.category for each in reversed(lists)}
    sources = loaded.config.lists.sources
    categories |= {name: each.category for name, each in sources.items() if each.category}
    own_names = ProtectedNames(_own_names(loaded.config))
    for name, source in sources.items():
        service = source.service or name
        if service not in categories:
            at = ("lists", "sources", name, "service")
            advice = did_you_mean(service, categories)
            expected = f"a service that there is: {one_of(sorted(categories))}"
            problems.append(loaded.provenance.problem(at, toml_text(service), expected, advice))
            continue
        read = _Reading(base, shelf, loaded, problems).read(name, source, service)
        category = categories[service]
        read = replace(read, name=name, category=category, answer="", reviewed=None)
        read = replace(read, title="", persian="")  # the service has its own
        lists.append(_sparing(read, own_names) if own_names else read)
    return lists


def _own_lists(base: Path, loaded: LoadedConfig, problems: list[Problem]) -> Iterator[BlockList]:
    # A file that could not be read has not said where its lists are.
    unread = any(problem.severity == "error" and not problem.path for problem in problems)
    for place, directory in enumerate(loaded.config.lists.directories):
        where = base / directory
        if not where.is_dir():
            if unread:
                continue
            at = ("lists", "directories", place)
            advice = f"{where} is not there, or no directory."
            problems.append(
                loaded.provenance.problem(at, directory, "a directory of lists", advice)
            )
            continue
        for file in sorted(where.glob("*.txt")):
            listed = str(Path(directory) / file.name)
            try:
                text = file.read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError) as error:
                expected = "a list in UTF-8 that can be read"
                problems.append(Problem("error", listed, None, "", str(error), expected))
                continue
            yield _own_list(text, file.stem, listed, problems)


def _own_list(text: str, service: str, listed: str, problems: list[Problem]) -> BlockList:
    digest = hashlib.sha256(text.encode()).hexdigest()
    read = replace(adblock.read(text, service, listed), sha256=digest)
    for skipped in read.skipped:
        expected = "a rule such as ||example.com^"
        advice = f"Skipped: {skipped.reason}."
        problems.append(
            Problem("warning", listed, skipped.line, "", skipped.text, expected, advice)
        )
    problems += _unusable(read)
    return read


def _unusable(read: BlockList) -> Iterator[Problem]:
    """What makes a whole list block nothing: told as an error, or what it bans would pass."""
    if not _SERVICE.fullmatch(read.service):
        expected = "a file named for a service: lower-case letters, digits and hyphens, then .txt"
        yield Problem("error", read.file, None, "", read.service, expected)
    if not read.category:
        expected = "a header such as ! Category: messenger"
        yield Problem("error", read.file, None, "", "no category", expected)
    if all(rule.exception for rule in read.rules):
        expected = "at least one rule such as ||example.com^"
        advice = "Restore the list, or remove the file if the service is no longer to be known."
        yield Problem("error", read.file, None, "", "no rule that blocks", expected, advice)


class _Reading:
    """Reads the lists of others."""

    def __init__(
        self, base: Path, shelf: ListStore, loaded: LoadedConfig, problems: list[Problem]
    ) -> None:
        self._base = base
        self._shelf = shelf
        self._loaded = loaded
        self._problems = problems

    def read(self, name: str, source: ListSourceConfig, service: str) -> BlockList:
        """A list; an empty one where it cannot be used, which is told."""
        if source.file is not None:
            file, key, read = source.file, "file", self._from_file(source, source.file, service)
            expected = f"a list of the format {source.format}"
        else:
            file, key, read = str(source.url), "url", self._fetched(name, source, service)
            expected = "a copy of it"
        if isinstance(read, BlockList):
            return read
        at = ("lists", "sources", name, key)
        severity: Severity = "error" if key == "file" else "warning"
        problem = self._loaded.provenance.problem(at, toml_text(file), expected, read, severity)
        self._problems.append(problem)
        return BlockList(service, file)

    def _from_file(self, source: ListSourceConfig, file: str, service: str) -> BlockList | str:
        try:
            content = _content(self._base / file)
        except OSError as error:
            return f"It cannot be read: {error.strerror}."
        digest = hashlib.sha256(content).hexdigest()
        if source.sha256 not in (None, digest):
            return "Its SHA-256 is another one than the config has."
        read = read_untrusted(content, source.format, service, file)
        return f"Refused: {read}." if isinstance(read, str) else replace(read, sha256=digest)

    def _fetched(self, name: str, source: ListSourceConfig, service: str) -> BlockList | str:
        content = self._shelf.content(name)
        if content is None:
            error = self._shelf.record(name).error
            return f"It has not been fetched yet, and blocks nothing{error and f': {error}'}."
        read = read_untrusted(content, source.format, service, str(source.url))
        if isinstance(read, str):
            return f"What was fetched last cannot be used, and blocks nothing: {read}."
        return read


def _content(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MAX_LIST_BYTES + 1)


def _own_names(config: Config) -> Iterable[bytes]:
    """The names that are this network's own, or that this server itself has to find."""
    for forward in config.forward:
        yield from forward.zones
    yield from (local.name for local in config.local)
    groups = [config.upstream.servers]
    groups += [group.servers for group in config.upstreams.values()]
    groups += [forward.servers for forward in config.forward]
    for server in chain.from_iterable(groups):
        if server.kind == "hostname":
            yield names.parse(server.host)


def _sparing(read: BlockList, own_names: ProtectedNames) -> BlockList:
    """The list without the rules that would block what is not its business."""
    kept: list[Rule] = []
    spared: list[SkippedLine] = []
    for rule in read.rules:
        if reason := own_names.touched(rule):
            spared.append(SkippedLine(rule.line, shortened(rule.text), reason))
        else:
            kept.append(rule)
    if not spared:
        return read
    return replace(read, rules=tuple(kept), skipped=tuple(sorted([*read.skipped, *spared])))
