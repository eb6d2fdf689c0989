"""Read the block lists of a config: the agency's own directories, and the lists of others.

A list of the agency that cannot be used is an error: somebody here can repair it, and until then
the names that it bans would pass. For a fetched list the newest copy is used that is not damaged,
read in the format that it was fetched in; if all are damaged, that is an error too, and the last
good snapshot goes on to block its names. A list without a copy blocks nothing, which is a warning:
a server must be able to start without a network. ``no_longer_blocked`` sees where it blocked
something before.
"""

import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath

from resolver.compiler.kept_readings import ReadAnew, ReadingKey, Readings
from resolver.compiler.lists_on_disk import ListsOnDisk
from resolver.compiler.protected_names import protected_names, without_protected
from resolver.config.load import LoadedConfig
from resolver.config.model import ListSourceConfig
from resolver.config.problems import Problem, Severity, did_you_mean, one_of, toml_text
from resolver.config.syntax import not_utf8
from resolver.config.warnings import UNREAD_LIST
from resolver.lists.acceptance import WIDE_EXCEPTION, read_untrusted
from resolver.lists.adblock import AdblockReader
from resolver.lists.guard import ProtectedNames
from resolver.lists.ranges import ENDINGS, OF_FILTER, read_filter, read_ranges
from resolver.lists.rules import BlockList, count_blocking
from resolver.snapshot.list_store import ListStore
from resolver.system.english import some_text
from resolver.system.steps import Step, unseen

_SERVICE = re.compile(r"[a-z0-9-]+")
_NAMES = ".txt"
_READ = (_NAMES, *ENDINGS, OF_FILTER)
"""The endings of the files that are read."""
_OWN = ""
"""The format of the agency's own lists: adblock, but read as nobody else's is."""
_LIKE_A_LIST = (*_READ, ".text", ".list", ".lst", ".hosts", ".domains", ".rpz", ".ips")
"""The endings of lists, in any case; people give them to files that are meant to be read."""


def read_lists(
    base: Path,
    fetched: ListStore,
    loaded: LoadedConfig,
    problems: list[Problem],
    files: ListsOnDisk,
    readings: Readings = ReadAnew(),  # noqa: B008 - it has no state
    step: Step = unseen,
) -> list[BlockList]:
    """Read every list of a config in the directory ``base``; add what is wrong to ``problems``."""
    reader = _ListReader(base, fetched, loaded, problems, files, readings, step)
    own_lists = list(reader.own_lists())
    return [*own_lists, *reader.sources(own_lists)]


def are_complete(loaded: LoadedConfig, problems: Iterable[Problem]) -> bool:
    """Whether all lists that the config may name were read; ``problems`` are those of the lists."""
    provenance = loaded.provenance
    unusable = any(problem.severity == "error" for problem in problems)
    return provenance.merged.complete and provenance.whole(("lists",)) and not unusable


def _lists_among(files: Sequence[Path]) -> list[Path]:
    """The files of a directory that are read: lists of names, then addresses."""
    return [file for end in _READ for file in files if file.name.endswith(end)]


@dataclass(frozen=True, slots=True)
class _ListReader:
    base: Path
    fetched: ListStore
    loaded: LoadedConfig
    problems: list[Problem]
    files: ListsOnDisk
    readings: Readings
    step: Step

    def own_lists(self) -> Iterator[BlockList]:
        # Other directories may be named in a file that cannot be read, or under a misspelled key.
        provenance = self.loaded.provenance
        unread = not (provenance.merged.complete and provenance.whole(("lists",)))
        for place, directory in enumerate(self.loaded.config.lists.directories):
            path = self.base / directory
            try:
                files = self.files.directory(path)
            except OSError as error:
                missing = isinstance(error, FileNotFoundError | NotADirectoryError)
                if not (missing and unread):
                    why = "does not exist, or is no directory"
                    if not missing:
                        why = f"cannot be read: {error.strerror}"
                    at = ("lists", "directories", place)
                    place_of = error.filename or path
                    self._problem(at, directory, "a directory of lists", f"{place_of} {why}.")
            else:
                # where others are read in their place, these have their whole path
                is_other = bool(files) and files[0].parent != path
                name = files[0].parent if is_other else Path(directory)
                yield from self._directory(files, name)
                if not unread:
                    self.problems.extend(self._unread_lists(files, name))

    def _directory(self, files: list[Path], name: Path) -> Iterator[BlockList]:
        """The lists of a directory, then the ranges of their services and those of a filter."""
        categories: dict[str, str] = {}
        for file in _lists_among(files):
            read = self._own_list(file, str(name / file.name), categories.get(file.stem, ""))
            if read is not None:
                categories[read.service] = read.category
                yield read

    def _unread_lists(self, files: list[Path], name: Path) -> Iterator[Problem]:
        """Warn of files of a directory that look like lists, and that nothing reads."""
        sources = self.loaded.config.lists.sources.values()
        read = {PurePath(str(source.file or source.url)).name for source in sources}
        expected = (
            f"{_NAMES} for a list of names, {' or '.join(ENDINGS)} for address ranges, or "
            f"{OF_FILTER} for the addresses of a filter"
        )
        advice = "It is not read, and blocks nothing. Rename it, or move it to another directory."
        for file in files:
            if file.name not in read and _is_like_unread_list(file):
                ending = f"the ending {file.suffix}" if file.suffix else "no ending"
                code = f"{UNREAD_LIST}:{file.name}"
                place = str(name / file.name)
                yield Problem("warning", place, None, "", ending, expected, advice, code)

    def _own_list(self, path: Path, file: str, category: str) -> BlockList | None:
        """A list of names, or of the ranges of a service of this category; None if unreadable."""
        self.step(f"reading {file}")
        try:
            content = self.files.content(path)
            sha256 = hashlib.sha256(content).hexdigest()
            if path.suffix == OF_FILTER:
                block_list = read_filter(content.decode(), path.stem, file)
                expected = "a prefix such as 10.10.34.34/31"
            elif path.suffix in ENDINGS:
                block_list = read_ranges(content.decode(), path.stem, file, category)
                expected = "a prefix such as 149.154.160.0/20"
            else:
                block_list = self._own_names(content, path.stem, file, sha256)
                expected = "a rule such as ||example.com^"
        except UnicodeDecodeError as error:
            self.problems.append(not_utf8(file, error))
            return None
        except OSError as error:
            self.problems.append(
                _error(file, error.strerror or str(error), "a list that can be read")
            )
            return None
        for line in block_list.skipped:
            advice = f"Skipped: {line.reason}."
            self.problems.append(
                Problem("warning", file, line.line, "", line.text, expected, advice)
            )
        if not block_list.of_filter:
            self.problems.extend(_unusable(block_list))
        return replace(block_list, sha256=sha256)

    def _own_names(self, content: bytes, service: str, file: str, sha256: str) -> BlockList:
        return self.readings.reading(
            ReadingKey(sha256, _OWN, service, file),
            lambda: AdblockReader.read(content.decode(), service, file),
        )

    def sources(self, own_lists: list[BlockList]) -> Iterator[BlockList]:
        """The lists of others; ``own_lists`` are the agency's, whose services they may extend."""
        config = self.loaded.config
        sources = config.lists.sources
        categories = {own_list.service: own_list.category for own_list in reversed(own_lists)}
        categories |= {name: source.category for name, source in sources.items() if source.category}
        for name, source in sources.items():
            if not self.loaded.provenance.whole(("lists", "sources", name)):
                continue  # an unknown key may be a misspelling of the one that matters
            service = source.service or name
            if service in categories:
                block_list = replace(
                    self._source(name, source, service),
                    name=name,
                    category=categories[service],
                    answer="",  # this and what follows is only for the agency's lists to say
                    reviewed=None,
                    title="",
                    persian="",
                )
                self._warn_of_exceptions(name, block_list)
                yield block_list
            else:
                at = ("lists", "sources", name, "service")
                expected = f"a service that exists: {one_of(sorted(categories))}"
                advice = did_you_mean(service, categories)
                self._problem(at, toml_text(service), expected, advice)

    def _source(self, name: str, source: ListSourceConfig, service: str) -> BlockList:
        """A list of others; an empty one where it cannot be used, which is a problem."""
        self.step(f"reading the list {name}")
        if source.file is None:
            return self._fetched_copy(name, source, service)
        reading = self._local_copy(source, source.file, service)
        if isinstance(reading, BlockList):
            return reading
        expected = f"a list of the format {source.format}"
        at = ("lists", "sources", name, "file")
        self._problem(at, toml_text(source.file), expected, reading)
        return BlockList(service, source.file)

    def _local_copy(self, source: ListSourceConfig, file: str, service: str) -> BlockList | str:
        path = self.base / file
        try:
            content = self.files.content(path)
        except OSError as error:
            return f"It cannot be read: {error.strerror}."
        sha256 = hashlib.sha256(content).hexdigest()
        reading = self._of_others(content, ReadingKey(sha256, source.format, service, file))
        if isinstance(reading, str):
            return f"Refused: {reading}."
        return replace(reading, sha256=sha256)

    def _of_others(self, content: bytes, key: ReadingKey) -> BlockList | str:
        """A list of others without the rules that it may not have, or the reason to refuse it."""
        zones = protected_names(self.loaded.config)

        def read() -> BlockList | str:
            reading = read_untrusted(content, key.format, key.service, key.file)
            if isinstance(reading, str):
                return reading
            return without_protected(reading, ProtectedNames(zones.values()))

        protected = hashlib.sha256(repr(sorted(zones.items())).encode()).hexdigest()
        return self.readings.reading(replace(key, protected=protected), read)

    def _fetched_copy(self, name: str, source: ListSourceConfig, service: str) -> BlockList:
        """The newest copy that can be used."""
        url, refused = str(source.url), ""
        at = ("lists", "sources", name, "url")
        for copy in self.fetched.copies(name):
            key = ReadingKey(copy.sha256, copy.format or source.format, service, url)
            reading = self._of_others(copy.content, key)
            if isinstance(reading, BlockList):
                if source.allowed_signers and not self.fetched.record(name).signer:
                    advice = f"It is used until the list is fetched: darban lists update {name}."
                    self._problem(at, "a copy", "one that is signed", advice, "warning")
                if not copy.newest:
                    reason = f"is refused: {refused}" if refused else self.fetched.damage(name)
                    advice = (
                        f"Its newest copy {reason}. The copy before it is used until the list is "
                        f"fetched again: darban lists update {name}."
                    )
                    self._problem(at, toml_text(url), "its newest copy", advice, "warning")
                return replace(reading, fallback=not copy.newest, copy=copy.sha256)
            refused = refused or reading
        self._problem(at, toml_text(url), "a copy of it", *self._without_copy(name, refused))
        return BlockList(service, url)

    def _warn_of_exceptions(self, name: str, read: BlockList) -> None:
        """Warn of the exceptions of a list of others that are too wide to be used."""
        wide = [line.text for line in read.skipped if line.reason.startswith(WIDE_EXCEPTION)]
        if wide:
            advice = "They are not used. A policy's allow lets names pass."
            at = ("lists", "sources", name)
            expected = "no exception for names of many owners"
            self._problem(at, some_text(wide[:1], len(wide)), expected, advice, "warning")

    def _without_copy(self, name: str, refused: str) -> tuple[str, Severity]:
        """Why a list has no copy that can be used, and whether that is an error."""
        if refused:
            return f"Its copy cannot be used, and blocks nothing: {refused}.", "warning"
        if damage := self.fetched.damage(name):
            return f"Its copy {damage}. Fetch it again: darban lists update {name}.", "error"
        error = self.fetched.record(name).error
        reason = f": {error}" if error else ""
        return f"There is no copy of it, and it blocks nothing{reason}.", "warning"

    def _problem(
        self,
        at: tuple[str | int, ...],
        actual: str,
        expected: str,
        advice: str,
        severity: Severity = "error",
    ) -> None:
        problem = self.loaded.provenance.problem(at, actual, expected, advice, severity)
        self.problems.append(problem)


def _unusable(block_list: BlockList) -> Iterator[Problem]:
    """Why a list would block nothing. Each is an error, or the names that it bans would pass."""
    if not _SERVICE.fullmatch(block_list.service):
        expected = "a file named for a service: lower-case letters, digits and hyphens, then .txt"
        yield _error(block_list.file, block_list.service, expected)
    is_ranges = block_list.file.endswith(ENDINGS)
    if not block_list.category and is_ranges:
        expected = f"a list of names beside it: {block_list.service}.txt"
        yield _error(block_list.file, "ranges of a service without names", expected)
    elif not block_list.category:
        yield _error(block_list.file, "no category", "a header such as ! Category: messenger")
    if not count_blocking(block_list):
        expected = f"at least one {'prefix' if is_ranges else 'rule such as ||example.com^'}"
        advice = "Restore the list, or remove the file if the service is not needed any more."
        actual = "no range" if is_ranges else "no rule that blocks"
        yield _error(block_list.file, actual, expected, advice)


def _is_like_unread_list(path: Path) -> bool:
    """Whether a file of a directory of lists looks like one, and its ending is not read."""
    ending = path.suffix
    if ending in _READ or path.name.startswith("."):
        return False
    like = ending.lower() in _LIKE_A_LIST if ending else _SERVICE.fullmatch(path.name)
    return bool(like) and os.path.isfile(path)  # noqa: PTH113 - Path.is_file may raise


def _error(file: str, actual: str, expected: str, advice: str = "") -> Problem:
    return Problem("error", file, None, "", actual, expected, advice)
