"""All names by a compiled config, beside those by the last good snapshot.

They are judged in classes and groups, which ``analysis.name_classes`` explains.

To group the names of a million rules takes seconds. So the groups are kept with the readings of
lists, under a hash of the rules, and those of a snapshot are made from those of the last good one:
a change costs what it changes.
"""

import hashlib
import json
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Final

from resolver.analysis.activation_summary import ActivationSummary, ChangedList, ChangedNames
from resolver.analysis.changed_classes import ChangedClasses
from resolver.analysis.name_changes import (
    NameChange,
    looser_first,
    moved_prefixes,
    name_changes,
    without_exemptions,
)
from resolver.analysis.name_classes import NameClasses
from resolver.analysis.name_groups import NameGroups
from resolver.analysis.rules import ListChange, RuleChanges, compare_rules
from resolver.compiler.kept_readings import KeptReadings
from resolver.compiler.program_hash import program_hash
from resolver.policy.compiled import CompiledConfig
from resolver.policy.index import Index
from resolver.snapshot import store
from resolver.snapshot.snapshot import Snapshot
from resolver.snapshot.state_owner import as_owner, is_own

_MOST: Final = 20
"""Changes of each kind that a summary has."""
_FEW: Final = 3
"""Examples of a change, states of the hours, and rules of a list."""
_VLANS: Final = 10


class AllNames:
    """All names by a snapshot that is compiled, and what changes for them."""

    def __init__(self, state: Path, snapshot: Snapshot, readings: KeptReadings) -> None:
        self._state = state
        self._snapshot = snapshot
        self._compiled = snapshot.compiled
        self._readings = readings

    @cached_property
    def _index(self) -> Index:
        return self._snapshot.index()

    @cached_property
    def classes(self) -> NameClasses:
        """The classes by the snapshot."""
        return NameClasses(without_exemptions(self._compiled), self._index, self._groups)

    @cached_property
    def _before(self) -> tuple[CompiledConfig, Index] | None:
        """The last good snapshot; None where there is none, or it is another user's."""
        if not is_own(self._state):  # a forged trie can do anything to the process that reads it
            return None
        with as_owner(self._state):
            last = store.last_good_snapshot(self._state, prefixes=True)
        return None if last is None else (last.compiled, Index(*last.index))

    @cached_property
    def _rules(self) -> RuleChanges:
        """In which rules the lists differ from those of the last good snapshot."""
        new = self._compiled, self._index
        return RuleChanges([], set()) if self._before is None else compare_rules(self._before, new)

    @cached_property
    def _changed(self) -> ChangedClasses | None:
        if self._before is None:
            return None
        compiled, index = self._before
        old = NameClasses(without_exemptions(compiled), index)
        return ChangedClasses(old, self.classes, self._rules.names)

    def _groups(self, classes: NameClasses) -> NameGroups:
        """The groups of the snapshot: kept ones, those before with what changes, or new ones."""
        key = _key(classes.compiled)
        kept = self._kept(key)
        if kept is not None:
            return kept
        changed = self._changed
        before = None if changed is None else self._kept(_key(changed.old.compiled))
        groups = None
        if changed is not None and before is not None:
            groups = changed.groups(before)
        if groups is None:
            groups = classes.all_groups()
        if key:
            self._readings.keep(key, groups.to_octets())
        return groups

    def _kept(self, key: str) -> NameGroups | None:
        with as_owner(self._state):
            octets = self._readings.content(key) if key else None
        return None if octets is None else NameGroups.of_octets(octets)

    def summary(self, wall: float) -> ActivationSummary | None:
        """What changes from the last good snapshot, as the audit log has it; None without one.

        ``wall`` is now, in seconds since 1970.
        """
        changed, before = self._changed, self._before
        if changed is None or before is None:
            return None
        moved = moved_prefixes(before[0], self._compiled)
        return bounded(name_changes(changed, wall), self._rules.lists, moved)


def bounded(
    names: Sequence[NameChange], lists: Sequence[ListChange], moved: Sequence[str]
) -> ActivationSummary:
    """The summary of changes: the first of each kind, and how many more there are."""
    first = sorted(names, key=looser_first)[:_MOST]
    counts = (len(names), len(lists), len(moved))
    return ActivationSummary(
        tuple(map(_changed_names, first)),
        tuple(map(_changed_list, lists[:_MOST])),
        tuple(moved[:_MOST]),
        sum(max(0, count - _MOST) for count in counts),
    )


def _key(compiled: CompiledConfig) -> str:
    """A hash of all that the groups depend on; empty where a list has no hash of its rules."""
    services = compiled.services
    lists = [
        (services[source.service].name, source.file, source.longest_match, source.rules)
        for source in compiled.sources
    ]
    if not all(rules for *_, rules in lists):
        return ""
    return hashlib.sha256(json.dumps([program_hash(), lists]).encode()).hexdigest()


def _changed_names(of: NameChange) -> ChangedNames:
    return ChangedNames(
        *(of.how, of.service, of.old, of.new, of.vlans[:_VLANS], len(of.vlans)),
        *(of.hours[:_FEW], of.classes, of.examples[:_FEW]),
    )


def _changed_list(of: ListChange) -> ChangedList:
    gone = [f"-{rule}" for rule in of.gone[:_FEW]]
    added = [f"+{rule}" for rule in of.added[:_FEW]]
    return ChangedList(of.service, of.file, len(of.gone), len(of.added), (*gone, *added))
