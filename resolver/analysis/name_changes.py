"""What a change does to all names: which become stricter, looser, or are answered otherwise.

Both policies are judged without exemptions, for each VLAN that both have, in every state of the
hours of both. The names are those of ``NameClasses``: where the lists of the same services cover
two classes before, and the same after, what one gets the other gets, too; so one of them is judged.
Those at own rules, local records and zones of this network are judged one by one. Answers (their
targets and addresses) and the data of local records are out of scope.
"""

from collections import Counter, defaultdict
from collections.abc import Container, Iterator
from dataclasses import dataclass, replace
from typing import Final, Literal, NamedTuple

from resolver.analysis.changes import ComparedPolicy
from resolver.analysis.explanation import Explainer
from resolver.analysis.name_classes import NameClass, NameClasses, NameGroup, class_order
from resolver.dns import codes, names
from resolver.policy.compiled import CompiledConfig
from resolver.policy.description import describe
from resolver.policy.judge import Judge
from resolver.policy.moment import hours_ahead, in_force_with_hours
from resolver.policy.prefixes import prefix_text
from resolver.policy.verdict import BLOCKED, NO_SERVICE, Outcome, Verdict
from resolver.policy.view import View

How = Literal["looser", "stricter", "otherwise"]
EXAMPLES: Final = 10
_STRICTNESS: Final = {Outcome.BLOCKED: 2, Outcome.WOULD_BLOCK: 1}


class Treatment(NamedTuple):
    """What a name gets, as far as people notice."""

    outcome: Outcome
    service: str
    """Empty where no list decides, or the name passes."""
    directive: str
    answer: str
    """The answer mode of a block, and its addresses; else empty."""


@dataclass(frozen=True, slots=True)
class NameChange:
    """Names that change alike on some VLANs in a state of the hours."""

    how: How
    service: str
    """The service whose lists decide after the change, or before it; empty for other names."""
    old: str
    """The outcome."""
    new: str
    vlans: tuple[str, ...]
    hours: tuple[str, ...]
    """The hours that hold; none where no hours do, or the config has none."""
    classes: int
    examples: tuple[str, ...]
    """The shortest; ``*.example.org`` is all names below it that no rule has."""


class _Side:
    """One of the two policies."""

    def __init__(self, of: ComparedPolicy, wall: float) -> None:
        self.compiled = replace(of.compiled, exemptions=(), exempted_prefixes=())
        self.explainer = Explainer(self.compiled, of.index, wall)
        self.judge = Judge(self.compiled, of.index)
        self.classes = NameClasses(self.compiled, of.index, self.judge)
        self.index = of.index
        self._answers = {
            each.name: f"{each.answer} {' '.join(each.sinkhole)}"
            for each in describe(self.compiled)
        }
        self._canaries = {each.name for each in self.compiled.services if each.always_nxdomain}
        self.service_names = [each.name for each in self.compiled.services]

    def covering(self, of_class: NameClass) -> tuple[str, ...]:
        """The services whose lists cover a class, by name, as ``Judge.covering`` orders them."""
        return tuple(self.service_names[each] for each in self.judge.covering(of_class.name))

    def treatment(self, view: View, of_class: NameClass) -> Treatment:
        """What a class gets."""
        verdict, _ = self.explainer.verdict(view, of_class.name, codes.A)
        return self._treatment(view, verdict)

    def _treatment(self, view: View, verdict: Verdict) -> Treatment:
        if verdict.outcome not in _STRICTNESS:
            return Treatment(Outcome.PASSED, "", "", "")
        service = "" if verdict.service == NO_SERVICE else self.service_names[verdict.service]
        effect = view.effect
        answer = "nxdomain" if service in self._canaries else self._answers[effect.policy.name]
        directive = effect.ground(verdict.service).directive
        return Treatment(
            verdict.outcome, service, directive, answer if verdict.outcome is BLOCKED else ""
        )

    def apart(self, policy: int) -> Iterator[bytes]:
        """The names of own rules of a policy, and the zones of this network."""
        yield from (rule.name for rule in self.compiled.policies[policy].own_rules)
        yield from self.classes.of_network


def compare_names(old: ComparedPolicy, new: ComparedPolicy, wall: float) -> list[NameChange]:
    """What changes for all names; ``wall`` is now, in seconds since 1970."""
    return [*_Comparison(_Side(old, wall), _Side(new, wall), wall).changes()]


def moved_prefixes(old: CompiledConfig, new: CompiledConfig) -> list[str]:
    """The prefixes of clients whose VLAN has another name: their names are not compared."""
    before, after = (
        {
            prefix_text(each.network, each.length): compiled.vlans[each.owner].name
            for each in compiled.prefixes
        }
        for compiled in (old, new)
    )
    return sorted(each for each in {**before, **after} if before.get(each) != after.get(each))


_Key = tuple[How, str, str, str]
_Pair = tuple[tuple[str, ...], tuple[str, ...]]
"""The services that cover a class before and after, by name."""
_Found = dict[_Key, tuple[int, list[NameClass]]]


class _Comparison:
    def __init__(self, old: _Side, new: _Side, wall: float) -> None:
        self._old = old
        self._new = new
        self._wall = wall
        self._same_lists = _lists(old) == _lists(new)
        self._pairs = self._all_pairs()

    def _all_pairs(self) -> dict[_Pair, NameGroup]:
        """The classes by the services that cover them before and after."""
        pairs: dict[_Pair, NameGroup] = defaultdict(NameGroup)
        for each in self._every():
            pairs[self._pair(each)].add(each)
        for group in pairs.values():
            group.settle()
        return pairs

    def _every(self) -> Iterator[NameClass]:
        """The classes at the names of the rules of both."""
        points = dict.fromkeys((names.ROOT, *self._old.index.all_names()))
        points.update(dict.fromkeys(self._new.index.all_names()))
        for point in points:
            yield from self._new.classes.of_point(point)

    def changes(self) -> Iterator[NameChange]:
        """The changes, those of the same kind on several VLANs together."""
        vlans: dict[tuple[int, int], list[str]] = defaultdict(list)
        before = {vlan.name: vlan.policy for vlan in self._old.compiled.vlans}
        for vlan in self._new.compiled.vlans:
            if vlan.name in before:
                vlans[before[vlan.name], vlan.policy].append(vlan.name)
        for old_hours, new_hours in self._states():
            for side, hours in ((self._old, old_hours), (self._new, new_hours)):
                side.explainer.assume(in_force_with_hours(side.compiled, self._wall, hours))
            named = tuple(self._new.compiled.hours[place].name for place in sorted(new_hours))
            for policies, own in vlans.items():
                for key, (count, classes) in self._of_vlan(own[0], policies).items():
                    classes.sort(key=class_order)
                    examples = tuple(map(str, classes[:EXAMPLES]))
                    yield NameChange(*key, tuple(own), named, count, examples)

    def _states(self) -> list[tuple[frozenset[int], ...]]:
        return hours_ahead(self._old.compiled, self._new.compiled, wall=self._wall)

    def _of_vlan(self, vlan: str, policies: tuple[int, int]) -> _Found:
        views = self._old.explainer.vlan(vlan), self._new.explainer.vlan(vlan)
        found: _Found = {}
        if views[0] is None or views[1] is None:
            return found
        apart = self._apart(policies)
        judged = Counter(self._pair(each) for each in apart if self._is_counted(each))
        for pair, group in self._pairs.items():
            left = group.count - judged[pair]
            if left:
                others = [each for each in group.shortest if each not in apart][:EXAMPLES]
                self._note(found, views[0], views[1], others or [self._one_of(pair, apart)], left)
        for each in apart:
            self._note(found, views[0], views[1], [each], 1)
        return found

    def _apart(self, policies: tuple[int, int]) -> dict[NameClass, None]:
        """The classes at own rules of both policies and in zones of this network, each once."""
        zones = {*self._old.apart(policies[0]), *self._new.apart(policies[1])}
        return dict.fromkeys(
            each
            for zone in sorted(zones)
            for side in (self._old, self._new)
            for each in side.classes.all_within(zone)
        )

    def _is_counted(self, of_class: NameClass) -> bool:
        sides = (self._old, self._new)
        return of_class.point == names.ROOT or any(e.classes.has_rules_at(of_class) for e in sides)

    def _pair(self, of_class: NameClass) -> _Pair:
        new = self._new.covering(of_class)
        return (new, new) if self._same_lists else (self._old.covering(of_class), new)

    def _one_of(self, pair: _Pair, apart: Container[NameClass]) -> NameClass:
        """The shortest class of a group that is not in ``apart``: all that are kept are."""
        every = (each for each in self._every() if each not in apart and self._pair(each) == pair)
        return min(every, key=class_order)

    def _note(
        self, found: _Found, old: View, new: View, classes: list[NameClass], count: int
    ) -> None:
        """Note what classes get, of which the first stands for all."""
        before, after = self._old.treatment(old, classes[0]), self._new.treatment(new, classes[0])
        if before != after:
            service = after.service or before.service
            key = (_how(before, after), service, before.outcome.label, after.outcome.label)
            had, known = found.get(key, (0, []))
            found[key] = had + count, [*known, *classes]


def _lists(side: _Side) -> tuple[object, ...]:
    """What ``Judge.covering`` depends on."""
    sources = [(each.file, each.longest_match, each.service) for each in side.compiled.sources]
    return (*map(bytes, side.index.buffers), sources, side.service_names)


def _how(before: Treatment, after: Treatment) -> How:
    was, now = (_STRICTNESS.get(each.outcome, 0) for each in (before, after))
    if was == now:
        return "otherwise"
    return "stricter" if now > was else "looser"
