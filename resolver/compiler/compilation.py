"""Compile a config file into a snapshot, and collect everything that is wrong with it.

``darban check`` and ``darban explain`` call ``compile_file`` in their own process. The supervisor
runs this module as a program in a child process, so that neither it nor a worker ever holds what
reading a config takes. The program prints what ``Accepted``, ``Held``, ``Rejected`` or
``NotCompiled`` holds.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path

from resolver import DarbanError
from resolver.analysis.coverage_expectations import coverage_failures
from resolver.analysis.expectations import ExpectationRun, FailedExpectation
from resolver.compiler import hours
from resolver.compiler.all_names import AllNames
from resolver.compiler.block_lists import are_complete, read_lists
from resolver.compiler.compilation_result import FAILED_EXPECTATIONS, Accepted, Held, Rejected
from resolver.compiler.exemption_limits import over_limit
from resolver.compiler.kept_readings import KeptReadings
from resolver.compiler.lists_on_disk import ListsOnDisk, medium_problems
from resolver.compiler.named_files import read_authorities, read_logo
from resolver.compiler.no_longer_blocked import NoLongerBlocked
from resolver.compiler.policy import compile_snapshot
from resolver.compiler.protected_names import protected_names
from resolver.compiler.tls import check_certificate
from resolver.config import warnings
from resolver.config.load import LoadedConfig, load
from resolver.config.model import Config
from resolver.config.problems import Problem, problem_lines
from resolver.config.reading import ConfigFiles, read_merged
from resolver.dns import names
from resolver.lists.rules import BlockList
from resolver.policy.compiled import CompiledConfig
from resolver.snapshot import store
from resolver.snapshot.config_files import (
    DiskFiles,
    SavedFiles,
    SourceTexts,
    differing,
    is_pulled,
    without_pulled,
)
from resolver.snapshot.list_store import ListStore
from resolver.snapshot.shipped_lists import ShippedLists
from resolver.snapshot.snapshot import Snapshot
from resolver.snapshot.state_owner import as_owner, is_own
from resolver.system.child_main import work_once
from resolver.system.steps import Step, unseen


@dataclass(frozen=True, slots=True)
class CompileResult:
    """A compiled config, and all problems of the config and its lists."""

    loaded: LoadedConfig
    snapshot: Snapshot
    problems: list[Problem]
    lists: list[BlockList]
    of_lists: list[Problem]
    """The problems of the lists alone."""
    failed: list[FailedExpectation]
    """The expectations that do not hold; they are only run where there is no error."""
    acknowledged: int
    """The number of warnings that the config acknowledges."""
    before: CompiledConfig | None
    """That of the last good snapshot, without its long fields; None where there is none."""
    no_longer_blocked: NoLongerBlocked | None
    """None where there is no last good snapshot, or an error."""
    all_names: AllNames

    @property
    def errors(self) -> list[Problem]:
        """The problems for which the snapshot is not put in force."""
        return [problem for problem in self.problems if problem.severity == "error"]

    @property
    def own_lists(self) -> dict[str, str]:
        """The SHA-256 of each list that is not fetched, by its file."""
        return {
            block_list.file: block_list.sha256 for block_list in self.lists if block_list.sha256
        }

    def check(self) -> None:
        """Raise Rejected where the snapshot cannot be put in force."""
        if self.errors:
            raise Rejected(problem_lines(self.problems))
        if self.failed:
            report = ["expectations that do not hold:", *map(str, self.failed)]
            lists = chain.from_iterable(expectation.lists for expectation in self.failed)
            raise Rejected(report, FAILED_EXPECTATIONS, list(dict.fromkeys(lists)))


def compile_file(
    path: Path,
    wall: float,
    files: ConfigFiles | None = None,
    edited: CompileResult | None = None,
    *,
    readings: KeptReadings | None = None,
    step: Step = unseen,
) -> CompileResult:
    """Compile a config file; its expectations hold at ``wall``, in seconds since 1970.

    ``edited`` is the config before an edit. Its lists are not read again if the edit leaves them as
    they are. ``readings`` are those of earlier compilations; by default no new ones are kept.
    ``step`` is called with what is done.
    """
    loaded = load(str(path), files or DiskFiles(path))
    state = store.directory(path)
    readings = readings or KeptReadings(state, writes=False)
    of_lists: list[Problem] = []
    with as_owner(state):
        if edited is not None and _has_the_lists(edited.loaded.config, loaded.config):
            lists, of_lists = edited.lists, edited.of_lists
        else:
            copies = ListStore(state)
            files_of = ListsOnDisk(state)
            lists = read_lists(path.parent, copies, loaded, of_lists, files_of, readings, step)
            of_lists += medium_problems(files_of.shipped, loaded, path, wall)
        problems = [*loaded.problems, *of_lists]
        authorities = read_authorities(path.parent, loaded, problems)
        logo = read_logo(path, loaded, problems)
        last = None if edited is not None else store.last_good_snapshot(state)
        problems += check_certificate(loaded, path.parent, wall)
    before = None if last is None else last.compiled
    if edited is not None:
        before = edited.before
    complete, built = are_complete(loaded, of_lists), _built(state, edited, last)
    del last  # its index is not kept while another is made
    step("indexing the rules of all lists")
    snapshot, snapshot_problems = compile_snapshot(
        loaded, lists, complete=complete, built=built, authorities=authorities, logo=logo
    )
    problems += snapshot_problems
    problems += over_limit(loaded, snapshot.compiled, before, wall)
    failed: list[FailedExpectation] = []
    no_longer_blocked, all_names = None, AllNames(state, snapshot, readings)
    if not any(problem.severity == "error" for problem in problems):
        index = snapshot.index()
        step("running the expectations")
        expectations = ExpectationRun(loaded, snapshot.compiled, index, wall)
        failed = expectations.failures()
        failed += coverage_failures(loaded, all_names.classes, wall)
        problems += warnings.of_exemptions(loaded.config, loaded.provenance, wall)
        problems += expectations.breaking_later()
        problems += hours.ending(loaded, wall)
        problems += hours.past_holidays(loaded, wall)
        if before is not None:
            no_longer_blocked = NoLongerBlocked(path, loaded.config, before, snapshot.compiled)
            problems += no_longer_blocked.lost()
    shown = warnings.unacknowledged(problems, loaded.config)
    acknowledged = len(problems) - len(shown)
    return CompileResult(
        loaded,
        snapshot,
        shown,
        lists,
        of_lists,
        failed,
        acknowledged,
        before,
        no_longer_blocked,
        all_names,
    )


def _built(
    state: Path, edited: CompileResult | None, last: store.LastGood | None
) -> Callable[[str], tuple[bytes, bytes] | None]:
    """Finds an index that is built already: that of the config before an edit, or a saved one."""

    def find(key: str) -> tuple[bytes, bytes] | None:
        nonlocal last
        if edited is not None and edited.snapshot.index_key == key:
            return edited.snapshot.trie, edited.snapshot.rules
        if not is_own(state):  # a forged trie can do anything to the process that maps it
            return None
        known, last = last, None  # it is let go of before another index is made
        if known is not None and known.index_key == key:
            return known.index
        del known
        return store.built_index(state, key)

    return find


def _has_the_lists(before: Config, after: Config) -> bool:
    """Whether two configs have the same lists with the same rules."""
    return before.lists == after.lists and protected_names(before) == protected_names(after)


def compile_and_save(
    config: Path, state: Path, sources: SourceTexts | None, accepted: Sequence[str]
) -> Accepted:
    """Compile a config, and save its snapshot.

    With ``sources`` these texts are compiled instead of the files on disk. ``accepted`` are the
    lists whose losses a person accepts.

    Raises:
        Rejected: the config cannot be put in force.
        Held: a list has a loss that is not accepted.
        DarbanError: the snapshot cannot be saved.
    """
    files = DiskFiles(config) if sources is None else SavedFiles(config, sources.texts)
    wall, readings = time.time(), KeptReadings(state, writes=True)
    compiled = compile_file(config, wall, files, readings=readings)
    is_right = not compiled.errors and not compiled.failed
    summary = compiled.all_names.summary(wall) if is_right else None
    if are_complete(compiled.loaded, compiled.of_lists):
        readings.prune()
    lists = compiled.own_lists
    report = problem_lines(compiled.problems)
    if sources is not None and sources.lists is not None:
        edited = [file for file in differing(sources.lists, lists) if not is_pulled(config, file)]
        if sources.any_shipped:
            shipped = ShippedLists(state)
            edited = [file for file in edited if not shipped.has(config.parent / file)]
        if edited:
            raise Rejected([_edited_list(file) for file in edited])
        report += _edited_config(config, sources.texts)
    compiled.check()
    if compiled.no_longer_blocked is not None:
        if lost := [*compiled.no_longer_blocked.lost(accepted)]:
            raise Held([str(problem) for problem in lost])
        report += compiled.no_longer_blocked.removed()
    copies = {block_list.name: block_list.copy for block_list in compiled.lists if block_list.copy}
    return Accepted(
        str(store.save(state, compiled.snapshot)),
        report,
        len(compiled.loaded.config.expect),
        _example(compiled.loaded),
        SourceTexts(files.texts(config.parent), lists, copies),
        summary=summary,
    )


def _edited_list(file: str) -> str:
    return (
        f"{file}: found an edit that was not reloaded; expected the list as it was put in "
        "force. 'darban reload' puts both the edit and the fetched lists in force."
    )


def _edited_config(config: Path, before: Mapping[str, str]) -> Iterator[str]:
    """The files of the config that have changed since they were put in force."""
    disk = DiskFiles(config)
    read_merged(str(config), disk)
    now = disk.texts(config.parent)
    for file in differing(*(without_pulled(config, texts) for texts in (before, now))):
        yield f"{config.parent / file}: edited and not reloaded: that edit is not in force"


def _example(loaded: LoadedConfig) -> str:
    """A dig command for a blocked name, from the expectations; empty where there is none."""
    listen = loaded.config.server.listen[0]
    for _, expect in loaded.config.questions():
        if expect.outcome == "blocked" and expect.client.version == listen.address.version:
            name = names.text(expect.name)
            return f"dig -b {expect.client} -p {listen.port} @{listen.address} {name}"
    return ""


def _compile() -> dict[str, object]:
    """Compile the config on the command line; standard input has ``SourceTexts`` or null.

    Behind the config and the state directory are the lists whose losses are accepted.
    """
    config, state, accepted = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:]
    given = json.load(sys.stdin)
    try:
        sources = None if given is None else SourceTexts(**given)
        return asdict(compile_and_save(config, state, sources, accepted))
    except Held as error:
        return {"held": error.report}
    except Rejected as error:
        return {"report": error.report, "code": error.code, "lists": error.lists}
    except DarbanError as error:
        return {"reason": str(error)}


if __name__ == "__main__":
    work_once(_compile)
