"""The policy as response policy zones (RPZ): which zones each VLAN has, and their rules.

A VLAN has two zones, in this order. Its override zone has what differs for this VLAN: ``allow``,
``deny`` and the exemptions in force. The block set of its policy has the lists. Lists and
exemptions change only the content of zones, so the config of a secondary stays as it is.

A resolver looks an owner up as DNS does: the exact name, else the wildcard at the closest name
that exists in the zone (RFC 4592 section 3.3). So a rule for one name hides the wildcards above it
from all names below it. Therefore a name that the zone has gets two rules, ``name`` and
``*.name``, also where it exists only because a name below it does.

What must stay true:
- ``policy.judge`` decides. Each rule is its verdict on the owner: no rule of a list has a ``*``,
  so the verdict on ``*.name`` is that on all names below without rules of their own.
- The two zones together give each name the reply that this server gives.
- The module is pure: the same snapshot and the same time give the same zones.
"""

from collections.abc import Iterator, Set
from dataclasses import dataclass
from typing import NamedTuple

from resolver.dns import codes, names
from resolver.policy.answers import BlockedAnswers
from resolver.policy.building import ancestors
from resolver.policy.compiled import CompiledConfig
from resolver.policy.effect import Effect
from resolver.policy.index import Index
from resolver.policy.judge import Judge
from resolver.policy.prefix import Prefix
from resolver.policy.services import services_in
from resolver.policy.verdict import ALLOW, BLOCKED, RANGE, Verdict
from resolver.policy.view import View, Views
from resolver.publish.client_prefixes import Gap, passing_prefixes
from resolver.publish.service_ranges import ServiceRange, passing_ranges, service_ranges

WILDCARD = b"\x01*"


class Action(NamedTuple):
    """What a resolver answers; the form of the records is that of the RPZ draft."""

    cname: str
    """The target of a CNAME; empty where there are addresses."""
    addresses: tuple[bytes, ...] = ()
    """4 or 16 octets each; other types get NODATA."""


PASSTHRU = Action("rpz-passthru.")
NXDOMAIN = Action(".")
NODATA = Action("*.")


class AddressRule(NamedTuple):
    """The action for an answer with an address of a range."""

    network: bytes
    length: int
    action: Action


class ZoneRule(NamedTuple):
    """The action for one owner."""

    owner: bytes
    """A name, or ``*.`` and a name: lower-case wire form, without the zone's own name."""
    action: Action


Rules = tuple[ZoneRule, ...]
"""Each zone's names come before the names below them."""


@dataclass(frozen=True, slots=True)
class BlockSet:
    """The lists of a policy; empty if it blocks nothing."""

    policy: str
    rules: Rules
    addresses: tuple[AddressRule, ...]


@dataclass(frozen=True, slots=True)
class VlanZones:
    """The zones of a VLAN."""

    name: str
    overrides: Rules
    passing: tuple[Prefix, ...]
    """Prefixes of clients for whom nothing is blocked. The owner is the exemption."""
    addresses: tuple[AddressRule, ...]
    """The address rules of its override zone."""


@dataclass(frozen=True, slots=True)
class PolicyZones:
    """The zones of a snapshot."""

    block_sets: tuple[BlockSet, ...]
    vlans: tuple[VlanZones, ...]
    """In the order of the snapshot."""
    gaps: tuple[Gap, ...]
    """Exemptions that zones cannot express."""


def policy_zones(terms: CompiledConfig, index: Index, wall: float) -> PolicyZones:
    """The zones of a snapshot at a moment, in seconds since 1970."""
    rules, views = RuleSource(terms, index), Views(terms, wall)
    block_sets = [
        BlockSet(lists.policy.name, rules.block_set(lists), rules.addresses(lists))
        for lists in (effect.lists_only() for effect in views.effects.of_policies)
    ]
    passing, gaps = passing_prefixes(terms, wall)
    overrides: dict[tuple[int, int], tuple[Rules, tuple[AddressRule, ...]]] = {}
    vlans = []
    for number, vlan in enumerate(terms.vlans):
        view = views.of_vlan(number)
        key = (vlan.policy, view.effect.exempt)
        if key not in overrides:
            overrides[key] = rules.overrides(view), rules.passing_addresses(view)
        own, addresses = overrides[key]
        clients = tuple(passing.get(number, ()))
        vlans.append(VlanZones(vlan.name, own, clients, addresses))
    return PolicyZones(tuple(block_sets), tuple(vlans), tuple(gaps))


class RuleSource:
    """Makes the rules of zones from the rules of a snapshot."""

    def __init__(self, terms: CompiledConfig, index: Index) -> None:
        self._terms = terms
        self._index = index
        self._judge = Judge(terms, index)
        self._names: dict[int, set[bytes]] = {}
        self._ranges = service_ranges(terms)
        self._passing = {*terms.excepted, *(each.name for each in terms.local)}

    def block_set(self, lists: Effect) -> Rules:
        """The rules of the lists of a policy, without its ``allow`` and ``deny``."""
        return self._differences(View(0, lists), lists.opened(), self._rule_names(lists.blocked))

    def overrides(self, view: View) -> Rules:
        """What differs in a view from the lists of its policy."""
        effect = view.effect
        of_lists = self._rule_names(effect.blocked)
        changed = {*view.own, *self._rule_names(effect.exempt & effect.blocked)}
        below = {name for name in of_lists if changed.intersection(names.zones(name))}
        return self._differences(view, effect.lists_only(), changed | below) if changed else ()

    def all_rules(self, view: View) -> Rules:
        """All rules of a view in one zone, for an engine that has one for each group of clients."""
        candidates = {*view.own, *self._rule_names(view.effect.blocked)}
        return self._differences(view, view.effect.opened(), candidates)

    def addresses(self, lists: Effect) -> tuple[AddressRule, ...]:
        """The address rules of the lists of a policy."""
        ranges = (each for each in self._ranges if each.services & lists.enforced)
        return tuple(self._address_rule(each, lists) for each in ranges)

    def passing_addresses(self, view: View) -> tuple[AddressRule, ...]:
        """The address rules by which the exemptions of a view change those of its policy."""
        effect = view.effect
        if effect.caught is not BLOCKED:
            return ()
        return tuple(
            AddressRule(each.network, each.length, PASSTHRU)
            if passes
            else self._address_rule(each, effect)
            for each, passes in passing_ranges(self._ranges, effect.blocked, effect.exempt)
        )

    def _address_rule(self, of: ServiceRange, effect: Effect) -> AddressRule:
        service = next(services_in(of.services & effect.blocked, range(len(self._terms.services))))
        action = _action(effect, Verdict(BLOCKED, RANGE, service))
        if action.addresses:  # Unbound has an error for each of another family than the trigger
            own = tuple(each for each in action.addresses if len(each) == len(of.network))
            action = Action("", own) if own else NODATA
        return AddressRule(of.network, of.length, action)

    def _rule_names(self, services: int) -> set[bytes]:
        """The names at which the verdict on these services may change."""
        found = self._names.get(services)
        if found is None:
            of_source = [services >> source.service & 1 for source in self._terms.sources]
            rules = self._index.all_rules()
            found = {rule.name for rule in rules if of_source[rule.source]}
            # An exception of any list turns NXDOMAIN above it into NODATA.
            self._names[services] = found = found | self._passing if found else found
        return found

    def _differences(self, view: View, base: Effect, candidates: Set[bytes]) -> Rules:
        """The rules that turn the verdicts by an effect into those of a view."""
        before = View(view.vlan, base)

        def changed(name: bytes, inherited: Action | None) -> Action | None:
            found, allowed = self.action(view, name)
            if allowed or inherited is not None:
                return found
            return None if found == self.action(before, name)[0] else found

        nodes = {names.ROOT: _Node(None, None, None)}
        present = set(candidates)
        for name in sorted({*present, *ancestors(present)}, key=names.index_key):
            if name != names.ROOT:
                inherited = nodes[_parent(name)].below
                wildcard = WILDCARD + name
                below = changed(wildcard, inherited) if len(wildcard) <= names.MAX_NAME else None
                nodes[name] = _Node(inherited, changed(name, inherited), below)
        return tuple(_compressed(nodes))

    def action(self, view: View, name: bytes) -> tuple[Action, bool]:
        """The action for a name, and whether ``allow`` decides: then its targets pass, too."""
        verdict = self._judge.check_query(view, name)
        if verdict.outcome is not BLOCKED:
            return PASSTHRU, verdict.by is ALLOW
        return _action(view.effect, verdict), False


def _action(effect: Effect, verdict: Verdict) -> Action:
    """The action for what a verdict blocks, or NODATA where zones have none."""
    return zone_action(effect.answers, verdict) or NODATA


def zone_action(answers: BlockedAnswers, verdict: Verdict) -> Action | None:
    """The action that answers as a policy does; None where response policy zones have none."""
    (of_ipv4, ipv4), (of_ipv6, ipv6), of_others = (
        answers.to_query(qtype, verdict) for qtype in (codes.A, codes.AAAA, codes.TXT)
    )
    if {of_ipv4, of_ipv6} != {of_others[0]} or of_others[1]:
        return None
    if of_ipv4 == codes.NXDOMAIN:
        return NXDOMAIN
    if of_ipv4 != codes.NOERROR:
        return None
    addresses = tuple(each for each in (ipv4, ipv6) if each)
    return Action("", addresses) if addresses else NODATA


class _Node(NamedTuple):
    """A name at which actions may change."""

    inherited: Action | None
    """The action of the wildcard above it; None where no zone rule covers it."""
    exact: Action | None
    below: Action | None


def _compressed(nodes: dict[bytes, _Node]) -> Iterator[ZoneRule]:
    """The rules of the nodes at which something changes, and of those above them."""
    exist: set[bytes] = set()
    for name, node in reversed(nodes.items()):
        if name in exist or node.exact != node.inherited or node.below != node.inherited:
            exist.update((name, _parent(name)))
    for name, node in nodes.items():
        if name in exist:
            if node.exact is not None:
                yield ZoneRule(name, node.exact)
            if node.below is not None:
                yield ZoneRule(WILDCARD + name, node.below)


def _parent(name: bytes) -> bytes:
    return name[1 + name[0] :]
