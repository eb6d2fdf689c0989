"""What the last good snapshot blocks and a new one would not: lost, or removed.

A list is lost if the config still names it, and it is gone or has lost more than a fifth of its
entries: a file was removed or cut short, the copies of a fetched list are gone, or a release has
another list. Nobody has decided this, and the names of the list would pass. So the config comes in
force only when a person accepts the loss. A list is removed if the config does not name it any
more: a person has decided this. So the reload goes on, and reports it.
"""

from collections.abc import Container, Iterator
from pathlib import Path, PurePath
from typing import Final, NamedTuple, assert_never

from resolver.compiler.compilation_result import ALL_LISTS
from resolver.config.model import Config
from resolver.config.problems import Problem
from resolver.lists.acceptance import loses_much
from resolver.policy.clauses import BLOCKING, Action
from resolver.policy.compiled import CompiledConfig, ListSource
from resolver.policy.description import (
    DefaultEntry,
    Entry,
    PolicyDescription,
    RuleEntry,
    ServiceEntry,
    describe,
)
from resolver.snapshot import store
from resolver.snapshot.config_files import is_pulled
from resolver.snapshot.shipped_lists import ShippedLists, is_shipped
from resolver.system.english import count_text, some_text

_MOST_NAMED: Final = 8
"""Services that one line names."""


class _Subject(NamedTuple):
    """What a clause is for."""

    rank: int
    """Its place in a line."""
    text: str
    gone_is_loss: bool
    """Whether it counts as a loss that the policy has no such clause any more."""


def _subject(entry: Entry) -> _Subject:
    match entry:
        case DefaultEntry():
            return _Subject(0, "names that nothing of it covers", True)
        case ServiceEntry(service=service):
            return _Subject(1, service.name, True)
        case RuleEntry(text=text):
            return _Subject(2, text, False)
        case _:
            assert_never(entry)


def _loosened(before: PolicyDescription, now: PolicyDescription) -> Iterator[str]:
    """To what a policy does less than before: other names, services, and rules of ``deny``."""
    does_now = _strictest(now)
    less: dict[tuple[Action, Action], list[str]] = {}
    for subject, did in sorted(_strictest(before).items()):
        does = does_now.get(subject, Action.PASS if subject.gone_is_loss else did)
        if does.strictness < did.strictness:
            less.setdefault((did, does), []).append(subject.text)
    for (did, does), names in less.items():
        yield _less(some_text(names[:_MOST_NAMED], len(names)), did, does)


def _less(names: str, did: Action, does: Action) -> str:
    match does:
        case Action.PASS:
            verb = "block" if did in BLOCKING else "count"
            return f"does not {verb} {names} any more"
        case Action.COUNT:
            return f"only counts {names} from now on"
        case Action.BLOCK:
            raise ValueError("nothing is stricter than to block")
        case _:
            assert_never(does)


def _strictest(policy: PolicyDescription) -> dict[_Subject, Action]:
    """The strictest of what a policy does to each subject at some time."""
    strictest: dict[_Subject, Action] = {}
    for entry in policy.entries:
        subject = _subject(entry)
        known = strictest.get(subject, Action.PASS)
        strictest[subject] = max(known, entry.does, key=lambda does: does.strictness)
    return strictest


class NoLongerBlocked:
    """What a config would block no more."""

    def __init__(
        self,
        path: Path,
        config: Config,
        before: CompiledConfig,
        now: CompiledConfig,
    ) -> None:
        """``now`` is the config with these lists, compiled; ``before`` is in force, or was last."""
        self._path = path
        self._before, self._now = before, now
        self._sources = config.lists.sources
        self._directories = {PurePath(directory) for directory in config.lists.directories}
        self._lists = ShippedLists(store.directory(path))
        self._shipped = next(
            (name for name in config.lists.directories if is_shipped(path.parent / name)), None
        )

    def lost(self, accepted: Container[str] = ()) -> Iterator[Problem]:
        """The losses of lists that are not among those accepted."""
        if ALL_LISTS in accepted:
            return
        now = {self._reference(source): source for source in self._now.sources}
        for source in self._before.sources:
            reference = self._reference(source)
            if not reference or source.name in accepted:
                continue
            after = now.get(reference)
            entries = 0 if after is None else after.entries
            if loses_much(source.entries, entries):
                actual = count_text(entries, "entry", "entries") if entries else "no entry"
                yield self._problem(
                    source, actual, f"the {source.entries:,} that were in force last"
                )
            elif after is not None and reference != source.name:
                old, new = self._category(self._before, source), self._category(self._now, after)
                if old != new:
                    yield self._problem(source, f"category {new}", f"{old}, as was in force last")

    def removed(self) -> Iterator[str]:
        """What is blocked no more since the config says so."""
        for source in self._before.sources:
            if source.entries and not self._reference(source):
                entries = count_text(source.entries, "entry goes", "entries go")
                yield f"{source.file}: the config does not name this list any more: {entries}"
        now = {(policy.name, policy.vlan): policy for policy in describe(self._now)}
        said: set[tuple[str, str]] = set()
        for policy in describe(self._before):
            after = now.get((policy.name, policy.vlan))
            for less in () if after is None else _loosened(policy, after):
                if (policy.name, less) not in said:  # that of a VLAN comes after that of the config
                    said.add((policy.name, less))
                    where = f" on VLAN {policy.vlan}" if policy.vlan else ""
                    yield f"policy {policy.name}{where} {less}"

    def _reference(self, source: ListSource) -> str:
        """What the config names a list by: its file in a directory, or its name; else empty."""
        file = PurePath(source.file)
        if file.parent == self._lists.current and self._shipped is not None:
            file = self._shipped / PurePath(file.name)
        if file.parent in self._directories and source.name in (file.stem, file.name):
            return str(file)
        return source.name if source.name in self._sources else ""

    def _category(self, compiled: CompiledConfig, source: ListSource) -> str:
        return compiled.services[source.service].category

    def _command(self, source: ListSource) -> str:
        """The command that may accept the loss of a list."""
        if is_pulled(self._path, source.file):
            return "pull"
        file = self._path.parent / source.file
        if self._lists.replaced and self._lists.has(file):
            return "lists update --from DIR"
        return "lists update --shipped" if file.parent == self._lists.current else "reload"

    def _problem(self, source: ListSource, actual: str, expected: str) -> Problem:
        advice = f"Restore it, or accept the loss: darban {self._command(source)} --accept."
        return Problem("warning", source.file, None, source.name, actual, expected, advice)
