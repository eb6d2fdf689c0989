"""Who asks: from a client's address to its VLAN, policy and exemptions.

A view is a VLAN under its policy with the exemptions that apply to the client now. Views
are few and shared; a bounded memory leads from an address to its view. When an exemption
ends the views are built anew: that is a new generation, and whatever was remembered for
the old views dies with them.

What must stay true:
- The longest prefix wins, by family; who is in no prefix has no view and is refused.
- A view never changes, but for what is remembered of it; ``Views.advance`` is the only place
  where time is looked at.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from resolver.dns import names
from resolver.policy.compiled import Exemption, OwnRule, Policy, Terms
from resolver.policy.prefixes import PrefixTable, packed
from resolver.policy.verdict import Verdict

_MEMO_SIZE = 65536
"""Addresses remembered; when there are more the memory starts anew."""


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """One VLAN, its policy and the exemptions in force for a client."""

    vlan: int
    policy: Policy
    exempt: int
    """Services lifted, a bit each."""
    exemptions: tuple[int, ...]
    own: dict[bytes, list[OwnRule]]
    """The policy's own rules by name."""
    own_tops: frozenset[bytes]
    """The last labels of those names, to pass by most names without a closer look."""
    own_above: frozenset[bytes]
    """Names that have an ``allow`` of the policy below them."""
    judges: bool
    """Whether any name can meet a rule here."""
    at: dict[bytes, Verdict] = field(default_factory=dict)
    """What ``Judge`` has found for the names that rules stand at, by their keys."""
    below: dict[bytes, Verdict] = field(default_factory=dict)
    """... and for all names below them."""
    kinds: dict[tuple[int | None, bool], Verdict] = field(default_factory=dict)
    """... and of rules that differ in name and line alone, for their own names and for others."""


class Views:
    """The views of a snapshot at a moment."""

    def __init__(self, terms: Terms, wall: float) -> None:
        self._terms = terms
        self._vlans = PrefixTable(terms.prefixes)
        self._exempted = PrefixTable(terms.exempted_prefixes)
        self._own = [_own_rules(policy) for policy in terms.policies]
        self._memo: dict[str, View | None] = {}
        self._views: dict[tuple[int, tuple[int, ...]], View] = {}
        self._in_force: frozenset[int] = frozenset()
        self.advance(wall)

    def advance(self, wall: float) -> bool:
        """Let exemptions end (or begin again, when the clock is set back).

        ``wall`` is in seconds since 1970. Returns whether a new generation has begun.
        """
        in_force = frozenset(
            place
            for place, exemption in enumerate(self._terms.exemptions)
            if wall < exemption.until
        )
        if in_force == self._in_force:
            return False
        self._in_force = in_force
        self._memo = {}
        self._views = {}
        return True

    def of(self, address: str) -> View | None:
        """The view of a client, or None where no VLAN holds its address."""
        try:
            return self._memo[address]
        except KeyError:
            pass
        view = self._find(packed(address))
        if len(self._memo) >= _MEMO_SIZE:
            self._memo.clear()
        self._memo[address] = view
        return view

    def of_vlan(self, vlan: int) -> View:
        """The view of a VLAN's clients that no exemption by prefix applies to."""
        return self._view(vlan, self._of_whole_vlan(vlan))

    def _find(self, octets: bytes) -> View | None:
        vlans = self._vlans.matches(octets)
        if not vlans:
            return None
        by_prefix = [place for place in self._exempted.matches(octets) if place in self._in_force]
        return self._view(vlans[0], tuple(sorted({*by_prefix, *self._of_whole_vlan(vlans[0])})))

    def _of_whole_vlan(self, vlan: int) -> tuple[int, ...]:
        exemptions = self._terms.exemptions
        return tuple(place for place in sorted(self._in_force) if exemptions[place].vlan == vlan)

    def _view(self, vlan: int, exemptions: tuple[int, ...]) -> View:
        key = (vlan, exemptions)
        view = self._views.get(key)
        if view is None:
            number = self._terms.vlans[vlan].policy
            own, tops, above = self._own[number]
            lifted = _services(self._terms.exemptions[place] for place in exemptions)
            policy = self._terms.policies[number]
            judges = bool(policy.blocks or own)
            view = View(vlan, policy, lifted, exemptions, own, tops, above, judges)
            self._views[key] = view
        return view


def _services(exemptions: Iterable[Exemption]) -> int:
    services = 0
    for exemption in exemptions:
        services |= exemption.services
    return services


def _own_rules(
    policy: Policy,
) -> tuple[dict[bytes, list[OwnRule]], frozenset[bytes], frozenset[bytes]]:
    by_name: dict[bytes, list[OwnRule]] = {}
    for rule in policy.own:
        by_name.setdefault(rule.name, []).append(rule)
    tops = frozenset(names.top(name) for name in by_name)
    return by_name, tops, ancestors(rule.name for rule in policy.own if rule.allow)


def ancestors(of: Iterable[bytes]) -> frozenset[bytes]:
    """Every name that one of these lies strictly below."""
    return frozenset(zone for name in of for zone in list(names.zones(name))[1:])
