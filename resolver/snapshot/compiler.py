"""From a config file on disk to a snapshot, with everything that is wrong on the way.

``darban check`` and ``explain`` call ``compile_file`` in their own process. The supervisor
runs this module as a program instead, so that neither it nor any worker ever holds what
reading configs takes; what it prints is one JSON object (``CompilerReport``).
"""

import errno
import gc
import json
import os
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from ipaddress import ip_address
from pathlib import Path

from resolver.analysis.expectations import ExpectationRun, FailedExpectation
from resolver.config.load import ConfigFiles, LoadedConfig, load
from resolver.config.problems import Problem
from resolver.config.reading import read_merged
from resolver.dns import names
from resolver.errors import DarbanError
from resolver.lists.rules import BlockList
from resolver.policy.compiled import Snapshot
from resolver.policy.index import Index
from resolver.snapshot import store
from resolver.snapshot.block_lists import read_lists
from resolver.snapshot.list_store import ListStore
from resolver.snapshot.policy import compile_snapshot
from resolver.snapshot.source_texts import SourceTexts


class DiskFiles:
    """Files as a config names them, and a note of what was read."""

    def __init__(self, instead: Mapping[str, str] | None = None) -> None:
        """``instead`` has the texts of files that are to be read as if they said that."""
        self.texts: dict[str, str] = {}
        self._instead = instead or {}

    def read(self, path: str) -> str:
        """The text of a file; OSError or UnicodeDecodeError where there is none."""
        text = self._instead.get(path)
        self.texts[path] = Path(path).read_text(encoding="utf-8") if text is None else text
        return self.texts[path]

    def glob(self, pattern: str) -> list[str]:
        """The files that match, sorted."""
        base = Path(pattern).anchor or "."
        relative = Path(pattern).relative_to(base) if Path(pattern).is_absolute() else pattern
        return sorted(str(path) for path in Path(base).glob(str(relative)))


class SavedFiles:
    """The files of a config as they were, whatever lies on disk now."""

    def __init__(self, base: Path, texts: Mapping[str, str]) -> None:
        """``base`` is where the config lies, and ``texts`` has its files seen from there."""
        self.texts = dict(texts)
        self._read = {os.path.normpath(base / file): text for file, text in texts.items()}

    def read(self, path: str) -> str:
        """The text of a file; OSError where it was none of the config's."""
        try:
            return self._read[os.path.normpath(path)]
        except KeyError:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path) from None

    def glob(self, _: str) -> list[str]:
        """All files, in the order in which they were read; each is included once."""
        return list(self._read)


@dataclass(frozen=True, slots=True)
class CompileResult:
    """A config compiled, and all that was found on the way."""

    loaded: LoadedConfig
    snapshot: Snapshot
    problems: list[Problem]
    lists: list[BlockList]
    failed: list[FailedExpectation]
    """The expectations that do not hold; judged only where there is no error."""

    @property
    def errors(self) -> list[Problem]:
        """The problems that forbid putting the snapshot in force."""
        return [problem for problem in self.problems if problem.severity == "error"]


def compile_file(path: Path, wall: float, disk: ConfigFiles | None = None) -> CompileResult:
    """Compile the config in a file; ``wall`` (seconds since 1970) is when expectations hold."""
    loaded = load(str(path), disk or DiskFiles())
    problems = list(loaded.problems)
    fetched = ListStore(store.directory(path))
    lists = read_lists(path.parent, fetched, loaded, problems)
    snapshot, found = compile_snapshot(loaded.config, loaded.provenance, lists)
    problems += found
    failed: list[FailedExpectation] = []
    if not any(problem.severity == "error" for problem in problems):
        expectations = ExpectationRun(
            loaded, snapshot.terms, Index(snapshot.trie, snapshot.rules), wall
        )
        failed = expectations.failures()
        problems += [*expectations.ended_exemptions(), *expectations.breaking_later()]
    return CompileResult(loaded, snapshot, problems, lists, failed)


@dataclass(frozen=True, slots=True)
class CompilerReport:
    """What the program prints for the supervisor."""

    snapshot: str = ""
    """Where the snapshot was saved; empty where there is none to put in force."""
    problems: list[str] = field(default_factory=list)
    errors: int = 0
    failed: list[str] = field(default_factory=list)
    expectations: int = 0
    example: str = ""
    """A dig line to try."""
    texts: dict[str, str] = field(default_factory=dict)
    """What was read of the config, by file, seen from where it lies."""
    lists: dict[str, str] = field(default_factory=dict)
    """The SHA-256 of each list that is not fetched, by its file."""


def run(config: Path, state_directory: Path, written: SourceTexts | None) -> CompilerReport:
    """Compile a config and save its snapshot where nothing forbids it.

    Args:
        config: Where it lies.
        state_directory: Where to save the snapshot.
        written: To compile that instead of what lies there now; only fetched lists are new.
    """
    disk = DiskFiles() if written is None else SavedFiles(config.parent, written.texts)
    compiled = compile_file(config, time.time(), disk)
    lists = {each.file: each.sha256 for each in compiled.lists if each.sha256}
    problems = [str(problem) for problem in compiled.problems]
    if written is not None:
        edited = list(_edited_lists(written.lists, lists))
        if edited:
            return CompilerReport(problems=edited, errors=len(edited))
        problems += _edited_config(config, written.texts)
    failed = [str(each) for each in compiled.failed]
    place = ""
    if not compiled.errors and not failed:
        place = str(store.save(state_directory, compiled.snapshot))
    expect = compiled.loaded.config.expect
    example = _example(compiled.loaded)
    errors = len(compiled.errors)
    texts = _texts(config, disk) if isinstance(disk, DiskFiles) else disk.texts
    return CompilerReport(place, problems, errors, failed, len(expect), example, texts, lists)


def _texts(config: Path, disk: DiskFiles) -> dict[str, str]:
    return {os.path.relpath(file, config.parent): text for file, text in disk.texts.items()}


def _edited_lists(before: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    """Why a list that people keep here is not the one that they have put in force."""
    for file in dict.fromkeys([*before, *now]):
        if before.get(file) != now.get(file):
            yield (
                f"{file}: found another list than the one in force; expected it as it was put in "
                "force, for its edit would go in force unseen. 'darban reload' puts both it and "
                "what was fetched in force."
            )


def _edited_config(config: Path, before: Mapping[str, str]) -> Iterator[str]:
    """What people have edited of the config and that is not in force."""
    disk = DiskFiles()
    read_merged(str(config), disk)
    now = _texts(config, disk)
    for file in dict.fromkeys([*before, *now]):
        if before.get(file) != now.get(file):
            yield f"{config.parent / file}: edited and not reloaded: that edit is not in force"


def _example(loaded: LoadedConfig) -> str:
    """A question that is blocked, for the operator to try."""
    listen = loaded.config.server.listen[0]
    version = ip_address(listen.address).version
    for expect in loaded.config.expect:
        if expect.outcome == "blocked" and expect.client.version == version:
            name = names.text(expect.name)
            return f"dig -b {expect.client} -p {listen.port} @{listen.address} {name}"
    return ""


def main() -> None:
    """Compile the config that the command line names, for the supervisor.

    Standard input has what was written of it before, where that is to be compiled, or null.
    """
    gc.disable()  # a million rules, none of them in a circle; going through them costs seconds
    config, state_directory = (Path(argument) for argument in sys.argv[1:])
    before = json.load(sys.stdin)
    written = None if before is None else SourceTexts(**before)
    try:
        outcome = run(config, state_directory, written)
    except DarbanError as error:
        outcome = CompilerReport(problems=[str(error)], errors=1)
    json.dump(asdict(outcome), sys.stdout)
    sys.stdout.flush()
    os._exit(0)  # nothing is left to tidy; a large heap takes long to take apart


if __name__ == "__main__":
    main()
