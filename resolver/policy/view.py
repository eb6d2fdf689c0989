"""Who asks: from a client's address to its VLAN, policy and exemptions.

A view is a VLAN under its policy with the exemptions that apply to the client now. Views
are few and shared. When an exemption
ends the views are built anew: that is a new generation, and whatever was remembered for
the old views dies with them.

What must stay true:
- The longest prefix wins, by family; who is in no prefix has no view and is refused.
- A view never changes, but for what is remembered of it; ``Views.advance`` is the only place
  where time is looked at.
"""

from resolver.policy.building import ancestors, top_labels
from resolver.policy.compiled import OwnRule, Policy, Terms
from resolver.policy.prefixes import PrefixTable
from resolver.policy.verdict import Verdict


class OwnRules:
    """The ``allow`` and ``deny`` of a policy."""

    __slots__ = ("above", "by_name", "tops")

    def __init__(self, policy: Policy) -> None:
        self.by_name: dict[bytes, list[OwnRule]] = {}
        for rule in policy.own:
            self.by_name.setdefault(rule.name, []).append(rule)
        self.tops = top_labels(self.by_name)
        self.above = ancestors([rule.name for rule in policy.own if rule.allow])


class View:
    """One VLAN, its policy and the exemptions in force for a client."""

    __slots__ = (
        *("at", "below", "exempt", "exemptions", "group", "judges", "kinds", "own", "own_above"),
        *("own_tops", "policy", "vlan"),
    )

    def __init__(
        self, vlan: int, policy: Policy, exempt: int, exemptions: tuple[int, ...], own: OwnRules
    ) -> None:
        self.vlan = vlan
        self.policy = policy
        self.exempt = exempt
        """The services that are exempted, a bit each."""
        self.exemptions = exemptions
        self.own = own.by_name
        """The policy's own rules by name."""
        self.own_tops = own.tops
        """The last labels of those names, to pass by most names without a closer look."""
        self.own_above = own.above
        """Names that have an ``allow`` of the policy below them."""
        self.judges = bool(policy.blocks or own.by_name)
        """Whether any name can meet a rule here."""
        self.group = policy.upstream.encode()
        """The upstream group that is asked for this view."""
        self.at: dict[bytes, Verdict] = {}
        """What ``Judge`` has found for the names that rules stand at, by their keys."""
        self.below: dict[bytes, Verdict] = {}
        """... and for all names below them."""
        self.kinds: dict[int, Verdict] = {}
        """... and for rules that differ in their name alone."""


class Views:
    """The views of a snapshot at a moment."""

    def __init__(self, terms: Terms, wall: float) -> None:
        self._terms = terms
        self._vlans = PrefixTable(terms.prefixes)
        self._exempted = PrefixTable(terms.exempted_prefixes)
        self._own = [OwnRules(policy) for policy in terms.policies]
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
        self._views = {}
        return True

    def of(self, address: bytes) -> View | None:
        """The view of a client by its 4 or 16 octets, or None where no VLAN holds them."""
        vlans = self._vlans.matches(address)
        if not vlans:
            return None
        by_prefix = [p for p in self._exempted.matches(address) if p in self._in_force]
        return self._view(vlans[0], tuple(sorted({*by_prefix, *self._of_whole_vlan(vlans[0])})))

    def of_vlan(self, vlan: int) -> View:
        """The view of a VLAN's clients that no exemption by prefix applies to."""
        return self._view(vlan, self._of_whole_vlan(vlan))

    def _of_whole_vlan(self, vlan: int) -> tuple[int, ...]:
        exemptions = self._terms.exemptions
        return tuple(place for place in sorted(self._in_force) if exemptions[place].vlan == vlan)

    def _view(self, vlan: int, exemptions: tuple[int, ...]) -> View:
        key = (vlan, exemptions)
        view = self._views.get(key)
        if view is None:
            number = self._terms.vlans[vlan].policy
            exempt = 0
            for place in exemptions:
                exempt |= self._terms.exemptions[place].services
            policy = self._terms.policies[number]
            view = View(vlan, policy, exempt, exemptions, self._own[number])
            self._views[key] = view
        return view
