"""Expectations for every name of some services: ``[[expect]]`` with ``services``.

Such an expectation holds where each name that the lists of these services cover is blocked (or
counted, with ``would_block``), for every client, in every state of the hours, exemptions aside.
What a service's own exceptions leave out is not covered. Answers (their targets and addresses) are
out of scope.

How it works: ``NameClasses`` has all names in classes. Of the classes that have nothing but rules
of lists, one stands for all that the same services cover. Those at own rules, local records and
zones of this network are judged one by one. The engine's own decision is asked for each.
"""

from collections import Counter
from collections.abc import Iterable, Sequence, Set
from typing import NamedTuple

from resolver.analysis.explanation import Explainer, Explanation
from resolver.analysis.name_classes import NameClasses
from resolver.analysis.name_groups import Covering, NameClass, class_order
from resolver.config.model import Config
from resolver.config.toml_lines import Path
from resolver.dns import names
from resolver.lists.rules import Rule, read_rule
from resolver.policy.clauses import Action
from resolver.policy.compiled import CompiledConfig, Policy
from resolver.policy.verdict import BLOCKED, Outcome
from resolver.policy.view import View


class Hole(NamedTuple):
    """A class of names that is covered, and has another outcome than the expected one."""

    of_class: NameClass
    covering: Covering
    got: Explanation


class Holes(NamedTuple):
    """Which names of some services have another outcome, on a VLAN in a state of the hours."""

    shortest: Hole
    more: int
    """Such classes besides."""


class CoverageCheck:
    """Finds what a policy leaves open of the names of some services."""

    def __init__(self, explainer: Explainer, classes: NameClasses) -> None:
        """``explainer`` is without exemptions, and in the state of the hours that is checked."""
        self._explainer = explainer
        self._classes = classes
        self._within: dict[bytes, list[tuple[NameClass, Covering]]] = {}

    def holes(
        self,
        view: View,
        services: Set[str],
        exceptions: Sequence[Rule],
        outcome: Outcome = BLOCKED,
    ) -> Holes | None:
        """What has not the outcome, of the names that the lists of these services cover.

        ``exceptions`` are names that may pass. None where all have it.
        """
        apart, excepted = self._apart(view, exceptions), _Excepted(exceptions)
        holes = [
            (of_class, covering)
            for of_class, covering in apart.items()
            if not services.isdisjoint(covering)
            and not excepted.has(of_class)
            and not self._has(outcome, view, of_class)
        ]
        count = len(holes)
        judged = Counter(
            apart[of_class] for of_class in apart if self._classes.is_counted(of_class.point)
        )
        for covering, group in self._classes.groups.by_covering.items():
            left = group.count - judged[covering]
            if left and not services.isdisjoint(covering):
                one = self._classes.one_of(covering, apart.keys())
                if not self._has(outcome, view, one):
                    holes.append((one, covering))
                    count += left
        if not holes:
            return None
        shortest, covering = min(holes, key=lambda pair: class_order(pair[0]))
        types = view.effect.question_types
        qtype = next(asked for asked in types if not self._gets(outcome, view, shortest, asked))
        got = self._explainer.for_view(view, shortest.name, qtype)
        return Holes(Hole(shortest, covering, got), count - 1)

    def _apart(self, view: View, exceptions: Sequence[Rule]) -> dict[NameClass, Covering]:
        """The classes that are judged one by one, each with the services that cover it."""
        policy = view.effect.policy
        zones = (
            *(rule.name for rule in policy.own_rules),
            *(rule.name for rule in exceptions),
            *self._classes.of_network,
        )
        return {
            of_class: covering
            for zone in zones
            for of_class, covering in self._classes_within(zone)
        }

    def _classes_within(self, zone: bytes) -> list[tuple[NameClass, Covering]]:
        known = self._within.get(zone)
        if known is None:
            classes = self._classes
            known = [(of_class, classes.covering_of(of_class)) for of_class in classes.within(zone)]
            self._within[zone] = known
        return known

    def _has(self, outcome: Outcome, view: View, of_class: NameClass) -> bool:
        """Whether its questions have the outcome."""
        types = view.effect.question_types
        return all(self._gets(outcome, view, of_class, qtype) for qtype in types)

    def _gets(self, outcome: Outcome, view: View, of_class: NameClass, qtype: int) -> bool:
        """Whether a question has it; a special-use name is answered here, and leads nowhere."""
        name = of_class.name
        verdict, _ = self._explainer.verdict(view, name, qtype)
        return verdict.outcome is outcome or self._explainer.is_special_use(view, name, qtype)


class _Excepted:
    """The classes that may pass: a rule for a name alone is no rule for what is below it."""

    def __init__(self, exceptions: Iterable[Rule]) -> None:
        self._subtree_by_name: dict[bytes, bool] = {}
        for rule in exceptions:
            known = self._subtree_by_name.get(rule.name, False)
            self._subtree_by_name[rule.name] = known or rule.subtree

    def has(self, of_class: NameClass) -> bool:
        """Whether a class may pass."""
        point, rules = of_class.point, self._subtree_by_name
        if point in rules and not of_class.is_below:
            return True
        return any(rules.get(zone, False) for zone in names.zones(point))


def members(compiled: CompiledConfig, references: Iterable[str]) -> frozenset[str]:
    """The services that references such as ``telegram`` and ``@messenger`` mean, by name."""
    wanted = set(references)
    return frozenset(
        service.name
        for service in compiled.services
        if service.name in wanted or f"@{service.category}" in wanted
    )


def exceptions_of(texts: Iterable[str]) -> list[Rule]:
    """The rules of ``except``; what is no rule is a problem of the config already."""
    return [rule for text in texts if isinstance(rule := read_rule(text, 0), Rule)]


def opened_by(hole: Hole, policy: Policy, config: Config) -> Path:
    """What of the config opens a class: an entry of ``allow``, a local record, or the policy."""
    name = hole.of_class.name
    is_local = hole.got.decided_by.kind in ("local_record", "local_alias")
    for place, local in enumerate(config.local if is_local else ()):
        zone = local.name.removeprefix(names.WILDCARD)
        if name == local.name or (zone != local.name and names.is_within(name, zone)):
            return ("local", place)
    covering = [
        (len(rule.name), rule.text, clause.vlan)
        for clause in policy.on_own_rules
        for rule in clause.rules
        if rule.does is Action.PASS
        and (names.is_within(name, rule.name) if rule.subtree else name == rule.name)
    ]
    if hole.got.decided_by.kind in ("allow", "allow_of_vlan") and covering:
        _, text, vlan = max(covering)
        if vlan:
            return ("vlans", vlan, "allow", config.vlans[vlan].allow.index(text))
        return ("policies", policy.name, "allow", config.policies[policy.name].allow.index(text))
    return ("policies", policy.name)
