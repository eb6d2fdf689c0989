"""The policy as response policy zones (RPZ): which zones each VLAN has, and their rules.

A VLAN has two zones, in this order. Its override zone has what differs for this VLAN: ``allow``,
``deny`` and the exemptions in force. The block set of its policy has the lists, and the default if
it blocks: ``*`` at the top, and before it the names that pass. All of these change only the content
of zones, so the config of a secondary stays as it is.

BIND takes the rule of the earlier zone: an address that an override zone lets pass would open each
name that the block set blocks. So the override zone of a VLAN that is exempted from a service with
address ranges also has all names that stay blocked there. Where the default blocks, no address
needs a rule: the rules for names decide each question.

An engine also looks up the targets of aliases. A rule that lets the question pass ends that, so
that no default blocks a target; nor does a rule that blocks (``Feature.ANSWERS_PAST_DEFAULT``).

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

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from resolver.dns import codes, names
from resolver.policy.answers import BlockedAnswers
from resolver.policy.compiled import CompiledConfig
from resolver.policy.effect import Effect
from resolver.policy.index import Index
from resolver.policy.judge import Judge
from resolver.policy.prefix import Prefix
from resolver.policy.rule_names import Keys, RuleNames, merged
from resolver.policy.services import services_in
from resolver.policy.verdict import BLOCKED, Verdict
from resolver.policy.view import View, Views
from resolver.publish.client_prefixes import passing_prefixes
from resolver.publish.service_ranges import ServiceRange, passing_ranges, service_ranges


class ZoneAction(NamedTuple):
    """What a resolver answers; the form of the records is that of the RPZ draft."""

    cname: str
    """The target of a CNAME; empty where there are addresses."""
    addresses: tuple[bytes, ...] = ()
    """4 or 16 octets each; other types get NODATA."""


PASSTHRU = ZoneAction("rpz-passthru.")
NXDOMAIN = ZoneAction(".")
NODATA = ZoneAction("*.")


class AddressRule(NamedTuple):
    """The action for an answer with an address of a range."""

    network: bytes
    length: int
    action: ZoneAction


class ZoneRule(NamedTuple):
    """The action for one owner."""

    owner: bytes
    """A name, or ``*.`` and a name: lower-case wire form, without the zone's own name."""
    action: ZoneAction


@dataclass(frozen=True, slots=True)
class PolicyZone:
    """A zone. Its rules are made when they are asked for, one after the other."""

    owner: str
    """The policy of a block set, or the VLAN of an override zone."""
    view: View
    base: Effect
    """The effect of the zones after it: it changes their verdicts into those of the view."""
    addresses: tuple[AddressRule, ...]
    zone_rules: "ZoneRules" = field(repr=False)
    passing: tuple[Prefix, ...] = ()
    """Prefixes of clients for whom nothing is blocked. The owner is the exemption."""

    def rules(self) -> Iterator[ZoneRule]:
        """The rules for names; each name comes before the names below it."""
        return self.zone_rules.rules(self.view, self.base)


@dataclass(frozen=True, slots=True)
class PolicyZones:
    """The zones of a snapshot."""

    block_sets: tuple[PolicyZone, ...]
    """The lists of each policy, and its default; empty if it blocks nothing."""
    vlans: tuple[PolicyZone, ...]
    """The override zone of each VLAN, in the order of the snapshot."""


def policy_zones(compiled: CompiledConfig, index: Index, wall: float) -> PolicyZones:
    """The zones of a snapshot at a moment, in seconds since 1970."""
    rules, views = ZoneRules(compiled, index), Views(compiled, wall)
    lists = [effect.lists_only() for effect in views.effects.of_policies]
    block_sets = [
        PolicyZone(
            effect.policy.name,
            View(0, effect),
            effect.without_blocks(),
            rules.addresses(effect),
            rules,
        )
        for effect in lists
        if not effect.policy.vlan
    ]
    passing = passing_prefixes(compiled, wall).by_vlan
    overrides = []
    for number, vlan in enumerate(compiled.vlans):
        view = views.of_vlan(number)
        addresses, clients = rules.passing_addresses(view), tuple(passing.get(number, ()))
        overrides.append(PolicyZone(vlan.name, view, lists[vlan.policy], addresses, rules, clients))
    return PolicyZones(tuple(block_sets), tuple(overrides))


class ZoneRules:
    """Makes the rules of zones from the rules of a snapshot."""

    def __init__(self, compiled: CompiledConfig, index: Index) -> None:
        self._compiled = compiled
        self._judge = Judge(compiled, index)
        self._names = RuleNames(compiled, index)
        self._ranges = service_ranges(compiled)
        self._actions: dict[tuple[BlockedAnswers, int, bool], ZoneAction] = {}

    def rules(self, view: View, base: Effect) -> Iterator[ZoneRule]:
        """The rules that turn the verdicts by an effect into those of a view of the same policy."""
        effect, unlisted = view.effect, view.effect.default_blocks
        services, begins = effect.deciding, unlisted and not base.default_blocks
        decides = any(rule.action == PASSTHRU for rule in self.passing_addresses(view))
        differing = services if decides else services & (~base.listed | effect.exempt)
        changed: Keys = sorted(map(names.index_key, view.own_rules))
        if differing or begins:
            changed = merged(changed, self._names.keys(differing, unlisted=unlisted))
        has_all = begins or (differing and differing == services)
        if changed and not has_all:
            below = self._names.within(changed, services, unlisted=unlisted)
            changed = merged(changed, below)
        return self._differences(_Pair(view, View(view.vlan, base), decides), changed)

    def addresses(self, lists: Effect) -> tuple[AddressRule, ...]:
        """The address rules of the lists of a policy."""
        ranges = (prefix for prefix in self._ranges if prefix.services & lists.enforced)
        return tuple(self._address_rule(prefix, lists) for prefix in ranges)

    def passing_addresses(self, view: View) -> tuple[AddressRule, ...]:
        """The address rules by which the exemptions of a view change those of its policy."""
        effect = view.effect
        if effect.default_blocks:
            return ()  # where the default blocks, the rules for names decide all
        return tuple(
            AddressRule(prefix.network, prefix.length, PASSTHRU)
            if passes
            else self._address_rule(prefix, effect)
            for prefix, passes in passing_ranges(
                self._ranges, effect.services.blocks, effect.exempt
            )
        )

    def _address_rule(self, of: ServiceRange, effect: Effect) -> AddressRule:
        service = next(
            services_in(of.services & effect.services.blocks, range(len(self._compiled.services)))
        )
        action = self._blocked(effect, Verdict(BLOCKED, effect.clause(service), service))
        if action.addresses:  # Unbound has an error for each of another family than the trigger
            addresses = tuple(
                address for address in action.addresses if len(address) == len(of.network)
            )
            action = ZoneAction("", addresses) if addresses else NODATA
        return AddressRule(of.network, of.length, action)

    def _differences(self, of: "_Pair", keys: Keys) -> Iterator[ZoneRule]:
        """The rules that change verdicts; ``keys`` are of the names where verdicts may differ."""
        root = _Node(names.ROOT, b"", None)
        root.below = self._changed(of, names.WILDCARD + names.ROOT, None)
        yield from root.changes()
        path = [root]
        """The last node, and those of which its key is a continuation."""
        for key in keys:
            while not key.startswith(path[-1].key):
                path.pop()
            if key:
                known = len(path)
                self._node(of, path, names.from_index_key(key))
                for node in path[known:]:  # what a name below passes may change the names above it
                    yield from node.changes()

    def _node(self, of: "_Pair", path: list["_Node"], name: bytes) -> "_Node":
        """Add the node of a name to the path, and before it those of the names above it."""
        above = _parent(name)
        parent = next((node for node in reversed(path) if node.name == above), None)
        node = _Node(name, names.index_key(name), parent or self._node(of, path, above))
        inherited = node.inherited
        node.exact = self._changed(of, name, inherited)
        if len(names.WILDCARD + name) <= names.MAX_NAME:
            node.below = self._changed(of, names.WILDCARD + name, inherited)
        path.append(node)
        return node

    def _changed(self, of: "_Pair", name: bytes, inherited: ZoneAction | None) -> ZoneAction | None:
        action, allowed = self.action(of.view, name)
        if allowed or inherited is not None or (of.decides_blocks and action != PASSTHRU):
            return action
        return None if action == self.action(of.base, name)[0] else action

    def action(self, view: View, name: bytes) -> tuple[ZoneAction, bool]:
        """The action for a name, and whether ``allow`` decides: then its targets pass, too."""
        verdict = self._judge.check_query(view, name)
        if verdict.outcome is not BLOCKED:
            return PASSTHRU, verdict.by_allow
        return self._blocked(view.effect, verdict), False

    def _blocked(self, effect: Effect, verdict: Verdict) -> ZoneAction:
        """The action for what a verdict blocks, or NODATA where zones have none."""
        key = effect.answers, verdict.reply_key, verdict.all_below
        action = self._actions.get(key)
        if action is None:
            action = self._actions[key] = zone_action(effect.answers, verdict) or NODATA
        return action


def zone_action(answers: BlockedAnswers, verdict: Verdict) -> ZoneAction | None:
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
    addresses = tuple(address for address in (ipv4, ipv6) if address)
    return ZoneAction("", addresses) if addresses else NODATA


class _Pair(NamedTuple):
    """Whose verdicts a zone gives, and what it changes."""

    view: View
    base: View
    """The effect of the zones after it."""
    decides_blocks: bool
    """Whether it has what those block, too: it lets addresses pass, which comes before them."""


class _Node:
    """A name at which actions may change."""

    __slots__ = ("below", "exact", "inherited", "is_written", "key", "name", "parent")

    def __init__(self, name: bytes, key: bytes, parent: "_Node | None") -> None:
        self.name = name
        self.key = key
        self.parent = parent
        self.inherited: ZoneAction | None = parent.below if parent else None
        """The action of the wildcard above it; None where no zone rule covers it."""
        self.exact: ZoneAction | None = None
        self.below: ZoneAction | None = None
        self.is_written = False

    def changes(self) -> Iterator[ZoneRule]:
        """Its rules, if something changes at it, after those of the names above that lack them.

        A name exists where a name below it does, and then hides the wildcards above it.
        """
        if self.exact != self.inherited or self.below != self.inherited:
            yield from self._rules()

    def _rules(self) -> Iterator[ZoneRule]:
        if self.is_written:
            return
        self.is_written = True
        if self.parent is not None:
            yield from self.parent._rules()
        if self.exact is not None:
            yield ZoneRule(self.name, self.exact)
        if self.below is not None:
            yield ZoneRule(names.WILDCARD + self.name, self.below)


def _parent(name: bytes) -> bytes:
    return name[1 + name[0] :]
