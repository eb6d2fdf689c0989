"""Entries of ``allow`` and ``deny`` that decide no question: without them, each name gets the same.

An entry is judged for each class of names that it covers, in every state of the hours, without
exemptions. What decides is the outcome: a ``deny`` of a name that a list blocks is idle, though it
is reported instead of the list. Answers are out of scope: an ``allow`` that decides no question
still lets the targets and the addresses of its answer pass.
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final

from resolver.analysis.explanation import Explainer
from resolver.analysis.name_classes import NameClasses
from resolver.analysis.name_groups import NameClass
from resolver.config.load import LoadedConfig
from resolver.config.problems import Problem
from resolver.config.toml_lines import Path
from resolver.config.warnings import IDLE_ENTRY, code_of
from resolver.dns import codes
from resolver.policy.clauses import Does, OwnRule
from resolver.policy.moment import hours_ahead, in_force_with_hours
from resolver.policy.view import View

_MOST_CLASSES: Final = 2000
"""An entry that covers more classes of names is not judged: ``com`` has half a million."""
_ALLOW: Final = "It still lets the targets and addresses of answers pass; else remove it."
_DENY: Final = "Remove it, or acknowledge this where it is to hold whatever the lists say."


def idle_entries(loaded: LoadedConfig, classes: NameClasses, wall: float) -> Iterator[Problem]:
    """Warnings about such entries; ``classes`` are without exemptions, ``wall`` is Unix time."""
    config, found = loaded.config, _IdleEntries(classes, wall)
    for vlan in {each.policy: name for name, each in config.vlans.items()}.values():
        name = config.vlans[vlan].policy
        policy = config.policies[name]
        for rule in found.of_vlan(vlan):
            entries = policy.allow if rule.does is Does.PASS else policy.deny
            key, advice = ("allow", _ALLOW) if rule.does is Does.PASS else ("deny", _DENY)
            path: Path = ("policies", name, key, entries.index(rule.text))
            yield loaded.provenance.problem(
                path,
                f"{rule.text}, which decides no question",
                "an entry without which some name would get another outcome",
                advice,
                "warning",
                code_of(IDLE_ENTRY, path, config),
            )


class _IdleEntries:
    def __init__(self, classes: NameClasses, wall: float) -> None:
        self._classes = classes
        self._explainer = Explainer(classes.compiled, classes.index, wall)
        compiled = classes.compiled
        self._states = [
            in_force_with_hours(compiled, wall, hours)
            for (hours,) in hours_ahead(compiled, wall=wall)
        ]

    def of_vlan(self, vlan: str) -> list[OwnRule]:
        """The idle entries of the policy of a VLAN."""
        left: Sequence[tuple[OwnRule, list[NameClass]]] | None = None
        for state in self._states:
            self._explainer.assume(state)
            view = self._explainer.vlan(vlan)
            if view is None:
                return []
            if left is None:
                rules = view.effect.policy.own_rules
                judged = ((rule, self._covered(rule)) for rule in rules)
                left = [(rule, found) for rule, found in judged if len(found) <= _MOST_CLASSES]
            left = [each for each in left if not self._decides(view, *each)]
        return [rule for rule, _ in left or ()]

    def _covered(self, rule: OwnRule) -> list[NameClass]:
        """The classes that a rule covers, or some of them where these are too many."""
        if not rule.subtree:
            return [NameClass(rule.name, is_below=False)]
        found = islice(self._classes.within(rule.name), _MOST_CLASSES + 1)
        return list(found)

    def _decides(self, view: View, rule: OwnRule, covered: Sequence[NameClass]) -> bool:
        """Whether some class gets another outcome with the rule than without it."""
        without = View(view.vlan, view.effect)
        without.own_rules = view.effect.own_rules.without(rule)
        return any(self._outcome(view, each) != self._outcome(without, each) for each in covered)

    def _outcome(self, view: View, of_class: NameClass) -> object:
        return self._explainer.verdict(view, of_class.name, codes.A)[0].outcome
