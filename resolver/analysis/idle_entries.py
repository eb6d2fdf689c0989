"""Entries of ``allow`` and ``deny`` that decide no question: without them, each name gets the same.

An entry is judged for each class of names that it covers, in every state of the hours, without
exemptions. What decides is the outcome: a ``deny`` of a name that a list blocks is idle, though it
is reported instead of the list. Answers are out of scope: an ``allow`` that decides no question
still lets the targets and the addresses of its answer pass.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Final, NamedTuple

from resolver.analysis.explanation import Explainer
from resolver.analysis.name_classes import NameClasses
from resolver.analysis.name_groups import NameClass
from resolver.config.load import LoadedConfig
from resolver.config.model import Config
from resolver.config.problems import Problem
from resolver.config.toml_lines import Path
from resolver.config.warnings import IDLE_ENTRY, code_of
from resolver.dns import codes
from resolver.policy.clauses import Does, OwnRule
from resolver.policy.compiled import Policy
from resolver.policy.effect import OwnRuleTable
from resolver.policy.moment import hours_ahead, in_force_with_hours
from resolver.policy.view import View
from resolver.policy.vlan_rules import policy_of_vlan

_MOST_CLASSES: Final = 2000
"""An entry that covers more classes of names is not judged: ``com`` has half a million."""
_ALLOW: Final = "It still lets the targets and addresses of answers pass; else remove it."
_DENY: Final = "Remove it, or acknowledge this where it is to hold whatever the lists say."


def idle_entries(loaded: LoadedConfig, classes: NameClasses, wall: float) -> Iterator[Problem]:
    """Warnings about such entries; ``classes`` are without exemptions, ``wall`` is Unix time.

    An entry of a policy is idle if it is on each VLAN with the policy.
    """
    compiled, found = classes.compiled, _IdleEntries(classes, wall)
    entries: dict[_Entry, bool] = {}
    for vlan in {each.policy: each.name for each in compiled.vlans}.values():
        for entry, is_idle in found.of_vlan(vlan).items():
            entries[entry] = is_idle and entries.get(entry, True)
    for entry in (each for each, is_idle in entries.items() if is_idle):
        path = _path(entry, loaded.config)
        yield loaded.provenance.problem(
            path,
            f"{entry.rule.text}, which decides no question",
            "an entry without which some name would get another outcome",
            _ALLOW if entry.rule.does is Does.PASS else _DENY,
            "warning",
            code_of(IDLE_ENTRY, path, loaded.config),
        )


class _Entry(NamedTuple):
    """An entry of ``allow`` or ``deny``."""

    policy: str
    vlan: str
    """Empty for an entry of the policy."""
    rule: OwnRule


def _path(entry: _Entry, config: Config) -> Path:
    """Where the config has an entry."""
    section, name = ("vlans", entry.vlan) if entry.vlan else ("policies", entry.policy)
    of = config.vlans[entry.vlan] if entry.vlan else config.policies[entry.policy]
    key, texts = ("allow", of.allow) if entry.rule.does is Does.PASS else ("deny", of.deny)
    return (section, name, key, texts.index(entry.rule.text))


class _IdleEntries:
    def __init__(self, classes: NameClasses, wall: float) -> None:
        self._classes = classes
        self._explainer = Explainer(classes.compiled, classes.index, wall)
        compiled = classes.compiled
        self._of_config = {each.name: each for each in compiled.policies if not each.vlan}
        self._states = [
            in_force_with_hours(compiled, wall, hours)
            for (hours,) in hours_ahead(compiled, wall=wall)
        ]

    def of_vlan(self, vlan: str) -> dict[_Entry, bool]:
        """Whether each entry is idle on a VLAN: those of its policy, and its own."""
        view = self._explainer.vlan(vlan)
        if view is None:
            return {}
        policy = view.effect.policy
        entries = [
            _Entry(policy.name, clause.vlan, rule)
            for clause in policy.on_own_rules
            for rule in clause.rules
        ]
        judged = {entry: self._covered(entry.rule) for entry in entries}
        left = {each: found for each, found in judged.items() if len(found) <= _MOST_CLASSES}
        without = {entry: self._table_without(policy, entry) for entry in left}
        for state in self._states:
            self._explainer.assume(state)
            now = self._explainer.vlan(vlan)
            if now is not None:
                left = {
                    entry: covered
                    for entry, covered in left.items()
                    if not self._decides(now, without[entry], covered)
                }
        return {entry: entry in left for entry in entries}

    def _table_without(self, policy: Policy, entry: _Entry) -> OwnRuleTable:
        """The own rules as they were without an entry; one of the VLAN may hide the policy's."""
        kept = [
            replace(clause, rules=tuple(each for each in clause.rules if each != entry.rule))
            if clause.vlan == entry.vlan
            else clause
            for clause in policy.on_own_rules
        ]
        if entry.vlan:
            base, rules = self._of_config[policy.name], kept[0].rules
            return OwnRuleTable(policy_of_vlan(base, entry.vlan, rules).on_own_rules)
        return OwnRuleTable(tuple(kept))

    def _covered(self, rule: OwnRule) -> list[NameClass]:
        """The classes that a rule covers, or some of them where these are too many."""
        if not rule.subtree:
            return [NameClass(rule.name, is_below=False)]
        found = islice(self._classes.within(rule.name), _MOST_CLASSES + 1)
        return list(found)

    def _decides(self, view: View, table: OwnRuleTable, covered: Sequence[NameClass]) -> bool:
        """Whether some class gets another outcome with the rule than by the table without it."""
        without = View(view.vlan, view.effect)
        without.own_rules, without.own_tops = table.by_name, table.tops
        return any(self._outcome(view, each) != self._outcome(without, each) for each in covered)

    def _outcome(self, view: View, of_class: NameClass) -> object:
        return self._explainer.verdict(view, of_class.name, codes.A)[0].outcome
