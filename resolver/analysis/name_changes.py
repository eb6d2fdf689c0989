"""What a change does to all names: which become stricter, looser, or are answered otherwise.

Both policies are judged without exemptions, for each VLAN that both have, in every state of the
hours of both. The names are those of ``NameClasses``: where the lists of the same services cover
two classes before, and the same after, what one gets the other gets, too; so one of them is judged.
Those at own rules, local records and zones of this network are judged one by one. Answers (their
targets and addresses) and the data of local records are out of scope.

Only what may change is judged: the classes whose lists have changed (``ChangedClasses``), and those
at own rules and local records that only one side has. Where anything else of a policy differs, all
classes are.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain
from typing import Final, Literal, NamedTuple, get_args

from resolver.analysis.changed_classes import ChangedClasses
from resolver.analysis.changes import ComparedPolicy
from resolver.analysis.explanation import Explainer
from resolver.analysis.name_classes import NameClasses
from resolver.analysis.name_groups import NameClass, class_order
from resolver.analysis.rules import compare_rules
from resolver.dns import codes, names
from resolver.dns.local_record import LocalName, LocalRecord
from resolver.policy.clauses import OwnRule
from resolver.policy.compiled import CompiledConfig
from resolver.policy.effect import Tier
from resolver.policy.facets import Facet
from resolver.policy.moment import hours_ahead, in_force_with_hours
from resolver.policy.prefixes import prefix_text
from resolver.policy.projection import Projection
from resolver.policy.verdict import BLOCKED, NO_SERVICE, Outcome
from resolver.policy.view import View

How = Literal["looser", "stricter", "otherwise"]
EXAMPLES: Final = 10
NO_HOURS: Final = "no hours"
"""The state in which no hours hold."""
_FACETS: Final = Facet.NAMES | Facet.REPLY | Facet.REASON | Facet.WHEN
"""What a comparison of names is about: it leaves clients and exemptions out."""
_STRICTNESS: Final = {Outcome.BLOCKED: 2, Outcome.WOULD_BLOCK: 1}


class Treatment(NamedTuple):
    """What a name gets, as far as people notice."""

    outcome: Outcome
    service: str
    """Empty where no list decides, or the name passes."""
    directive: str
    answer: tuple[object, ...]
    """What decides the reply of a block (``Projection.reply``); else empty."""


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
    """The states of the hours in which they change; empty where they do in every state."""
    classes: int
    examples: tuple[str, ...]
    """The shortest; ``*.example.org`` is all names below it that no rule has."""


class _Side:
    """One of the two policies."""

    def __init__(self, compiled: CompiledConfig, classes: NameClasses, wall: float) -> None:
        self.compiled = compiled
        self.classes = classes
        self.explainer = Explainer(compiled, classes.index, wall)
        self._projection = Projection(compiled, _FACETS)
        self._beside_own_rules: dict[int, object] = {}
        self._canaries = {service.name for service in compiled.services if service.always_nxdomain}
        self._service_names = [service.name for service in compiled.services]

    def treatment(self, view: View, of_class: NameClass, qtype: int) -> Treatment:
        """What the questions of a class for a type get."""
        verdict, _ = self.explainer.verdict(view, of_class.name, qtype)
        if verdict.outcome not in _STRICTNESS:
            return Treatment(Outcome.PASSED, "", "", ())
        service = "" if verdict.service == NO_SERVICE else self._service_names[verdict.service]
        effect = view.effect
        directive = effect.ground(verdict.service).directive
        answer: tuple[object, ...] = ()
        if verdict.outcome is BLOCKED:
            answer = self._projection.reply(effect.policy, canary=service in self._canaries)
        return Treatment(verdict.outcome, service, directive, answer)

    def beside_own_rules(self, policy: int) -> object:
        """All of a policy that decides, but for its own rules: equal where these decide alike."""
        if policy not in self._beside_own_rules:
            of = self.compiled.policies[policy]
            self._beside_own_rules[policy] = self._projection.beside_own_rules(of)
        return self._beside_own_rules[policy]

    def own_rules(self, policy: int) -> set[OwnRule]:
        """The rules in its ``allow`` and ``deny``."""
        return set(self.compiled.policies[policy].own_rules)

    def local_data(self) -> set[tuple[bytes, tuple[LocalRecord, ...]]]:
        """The names that are not for a default; an alias with the records that decide of it."""
        zones = {(local.name, _aliases(local)) for local in self.compiled.local}
        return zones | {(forward.zone, ()) for forward in self.compiled.forward}

    def apart(self, policy: int) -> set[bytes]:
        """The names of own rules of a policy, and the zones of this network."""
        own_names = (rule.name for rule in self.compiled.policies[policy].own_rules)
        return {*own_names, *self.classes.of_network}


def compare_names(old: ComparedPolicy, new: ComparedPolicy, wall: float) -> list[NameChange]:
    """What changes for all names; ``wall`` is now, in seconds since 1970."""
    before, after = (
        NameClasses(without_exemptions(side.compiled), side.index) for side in (old, new)
    )
    rules = compare_rules((old.compiled, old.index), (new.compiled, new.index))
    return name_changes(ChangedClasses(before, after, rules.names), wall)


def name_changes(changed: ChangedClasses, wall: float) -> list[NameChange]:
    """The same, where it is known which classes' lists have changed."""
    return [*_Comparison(changed, wall).changes()]


def looser_first(change: NameChange) -> tuple[int, int, str, int]:
    """A sort key: what opens first, from blocked to passed before that, by service, most first."""
    step = abs(_step(change.old) - _step(change.new))
    return get_args(How).index(change.how), -step, change.service, -change.classes


def _step(outcome: str) -> int:
    """How strict the outcome of this name is."""
    return _STRICTNESS.get(Outcome[outcome.upper()], 0)


def without_exemptions(compiled: CompiledConfig) -> CompiledConfig:
    """The same config with no exemption."""
    return replace(compiled, exemptions=(), exempted_prefixes=())


def moved_prefixes(old: CompiledConfig, new: CompiledConfig) -> list[str]:
    """The prefixes of clients whose VLAN has another name: their names are not compared."""
    before, after = (
        {
            prefix_text(prefix.network, prefix.length): compiled.vlans[prefix.owner].name
            for prefix in compiled.prefixes
        }
        for compiled in (old, new)
    )
    return sorted(
        prefix for prefix in {**before, **after} if before.get(prefix) != after.get(prefix)
    )


_Key = tuple[How, str, str, str]
_Found = dict[_Key, tuple[int, list[NameClass]]]
_Treated = tuple[tuple[int, int], tuple[Tier, ...], tuple[Tier, ...]]
"""Two policies, and what each does to services."""


class _Comparison:
    def __init__(self, changed: ChangedClasses, wall: float) -> None:
        self._changed = changed
        self._old, self._new = (
            _Side(side.compiled, side, wall) for side in (changed.old, changed.new)
        )
        self._wall = wall
        self._found: dict[_Treated, _Found] = {}
        differing = self._old.local_data() ^ self._new.local_data()
        self._local = {name.removeprefix(names.WILDCARD) for name, _ in differing}
        """The names whose local data has changed."""
        both = chain(self._old.compiled.local, self._new.compiled.local)
        self._aliases = {e.name.removeprefix(names.WILDCARD) for e in both if _aliases(e)}
        """Any rule may decide what these get: it may be for the target."""

    def changes(self) -> Iterator[NameChange]:
        """The changes, those of the same kind on several VLANs or in several states together."""
        changes: dict[NameChange, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
        states = hours_ahead(self._old.compiled, self._new.compiled, wall=self._wall)
        policies_of_vlans = self._vlans()
        for state in states:
            for side, of_side in zip((self._old, self._new), state, strict=True):
                side.explainer.assume(in_force_with_hours(side.compiled, self._wall, of_side))
            hours = self._hours_text(state[1])
            for policies, vlans in policies_of_vlans.items():
                for key, (count, classes) in self._of_vlan(vlans[0], policies).items():
                    examples = tuple(map(str, sorted(classes, key=class_order)[:EXAMPLES]))
                    of_kind = changes[NameChange(*key, (), (), count, examples)]
                    for vlan in vlans:
                        of_kind[vlan].append(hours)
        for change, of_vlans in changes.items():
            yield from _on_vlans(change, of_vlans, len(states))

    def _vlans(self) -> dict[tuple[int, int], list[str]]:
        """The VLANs of both, by the policies before and after; those where something differs."""
        vlans: dict[tuple[int, int], list[str]] = defaultdict(list)
        before = {vlan.name: vlan.policy for vlan in self._old.compiled.vlans}
        for vlan in self._new.compiled.vlans:
            if vlan.name in before:
                vlans[before[vlan.name], vlan.policy].append(vlan.name)
        return {
            policies: on_vlans
            for policies, on_vlans in vlans.items()
            if self._changed.zones
            or self._local
            or not self._decide_alike(policies)
            or self._old.own_rules(policies[0]) != self._new.own_rules(policies[1])
        }

    def _hours_text(self, hours: frozenset[int]) -> str:
        return " and ".join(self._new.compiled.hours[at].name for at in sorted(hours)) or NO_HOURS

    def _decide_alike(self, policies: tuple[int, int]) -> bool:
        """Whether both policies do the same to every name that the same lists cover."""
        old, new = policies
        return self._old.beside_own_rules(old) == self._new.beside_own_rules(new)

    def _of_vlan(self, vlan: str, policies: tuple[int, int]) -> _Found:
        """What changes on a VLAN with these policies, in the state of the hours."""
        old, new = self._old.explainer.vlan(vlan), self._new.explainer.vlan(vlan)
        if old is None or new is None:
            return {}
        key = policies, old.effect.tiers, new.effect.tiers
        if key not in self._found:  # in many states of the hours, policies do the same
            self._found[key] = self._of_views(old, new, policies)
        return self._found[key]

    def _of_views(self, old: View, new: View, policies: tuple[int, int]) -> _Found:
        changes: _Found = {}
        changed, apart = self._changed, self._apart(policies)
        if self._decide_alike(policies):
            pairs, counted = changed.pairs, [of_class for of_class in apart if of_class in changed]
        else:
            pairs, counted = changed.all_pairs, [*apart]
        judged = Counter(
            changed.pair(of_class) for of_class in counted if changed.is_counted(of_class)
        )
        for pair, group in pairs.items():
            left = group.number - judged[pair]
            if left:
                others = [member for member in group.shortest if member not in apart][:EXAMPLES]
                classes = others or [changed.one_of(pair, apart.keys())]
                self._note(changes, old, new, classes, left)
        for of_class in apart:
            self._note(changes, old, new, [of_class], 1)
        return changes

    def _apart(self, policies: tuple[int, int]) -> dict[NameClass, None]:
        """The classes that own rules and zones of this network decide, each once.

        Where both policies do alike what is no own rule, only those that may change.
        """
        old, new = policies
        zones = self._old.apart(old) | self._new.apart(new)
        if not self._decide_alike(policies):
            return _joined(self._changed.classes_within, zones)
        differing = self._old.own_rules(old) ^ self._new.own_rules(new)
        changed = self._local | self._aliases | {rule.name for rule in differing}
        classes = _joined(self._changed.classes_within, changed)
        return classes | _joined(self._changed.changed_within, zones)

    def _note(
        self, changes: _Found, old: View, new: View, classes: list[NameClass], count: int
    ) -> None:
        """Note what classes get, of which the first stands for all."""
        for qtype in sorted({*old.effect.question_types, *new.effect.question_types}):
            before = self._old.treatment(old, classes[0], qtype)
            after = self._new.treatment(new, classes[0], qtype)
            if before != after:
                service = after.service or before.service
                key = (_how(before, after), service, before.outcome.label, after.outcome.label)
                had, known = changes.get(key, (0, []))
                changes[key] = had + count, [*known, *classes]
                return  # a class counts once, by whichever type it changes for


def _on_vlans(
    change: NameChange, hours: Mapping[str, list[str]], states: int
) -> Iterator[NameChange]:
    """A change on VLANs, those group that have it in the same states of the hours."""
    vlans: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for vlan, times in hours.items():
        always = len(times) == states
        vlans[() if always else tuple(dict.fromkeys(times))].append(vlan)
    for when, group in vlans.items():
        yield replace(change, vlans=tuple(group), hours=when)


def _joined(
    classes: Callable[[bytes], Iterator[NameClass]], zones: Iterable[bytes]
) -> dict[NameClass, None]:
    """The classes of some names, each once."""
    return dict.fromkeys(chain.from_iterable(map(classes, sorted(zones))))


def _aliases(local: LocalName) -> tuple[LocalRecord, ...]:
    return tuple(record for record in local.records if record.rtype == codes.CNAME)


def _how(before: Treatment, after: Treatment) -> How:
    was, now = (_STRICTNESS.get(treatment.outcome, 0) for treatment in (before, after))
    if was == now:
        return "otherwise"
    return "stricter" if now > was else "looser"
