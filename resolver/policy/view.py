"""Find the view of a client: its VLAN, and the effect of the VLAN's policy.

The exemptions that apply to the client now are part of the effect. There are few views; clients
share them. When an exemption or hours begin or end, a new generation of views begins, and all that
was kept for the old views is dropped.

What must stay true:
- The longest prefix wins, by family. A client in no prefix has no view and is refused.
- Every link has the same link-local addresses (fe80::/10). So such a client is in the VLAN whose
  interface its query came in on, whatever the prefixes are, and no exemption by prefix is for it.
- A view never changes, except for the verdicts that it keeps. Only ``Views.advance`` depends on
  the time.
"""

from resolver.policy.building import Pause, no_pause
from resolver.policy.compiled import CompiledConfig
from resolver.policy.effect import Effect, Effects
from resolver.policy.moment import InForce, in_force
from resolver.policy.prefixes import PrefixTable, is_link_local
from resolver.policy.verdict_cache import VerdictCache


class View:
    """A VLAN and the effect of its policy on a client."""

    __slots__ = (
        "effect",
        "group",
        "has_rules",
        "own_above",
        "own_rules",
        "own_tops",
        "unlisted",
        "verdicts",
        "vlan",
    )

    def __init__(self, vlan: int, effect: Effect) -> None:
        self.vlan = vlan
        self.effect = effect
        # What the judge reads for each query is one step away.
        self.own_rules = effect.own_rules.by_name
        """The verdicts by ``allow`` and ``deny``, by the names of their rules."""
        self.own_tops = effect.own_rules.tops
        self.own_above = effect.own_rules.above
        self.has_rules = effect.has_rules
        self.unlisted = effect.unlisted
        self.group = effect.policy.upstream.encode()
        """The name of the upstream group of this view."""
        self.verdicts = VerdictCache()
        """Verdicts of ``Judge`` by lists."""


class Views:
    """The views of a snapshot at the current time."""

    def __init__(self, compiled: CompiledConfig, wall: float, pause: Pause = no_pause) -> None:
        self._compiled = compiled
        self._in_force = in_force(compiled, wall)
        self._vlans = PrefixTable(compiled.prefixes, pause)
        self._by_interface = {v.interface: p for p, v in enumerate(compiled.vlans) if v.interface}
        self._exempted = PrefixTable(compiled.exempted_prefixes, pause)
        self.effects = Effects(compiled, self._in_force)
        self._views: dict[tuple[int, tuple[int, ...]], View] = {}
        self._of_vlans = self._by_vlan()

    def advance(self, wall: float) -> bool:
        """Begin and end exemptions and hours; the clock may also be set back.

        ``wall`` is Unix time in seconds. Returns whether a new generation of views begins.
        """
        if self._in_force.lasts(wall):
            return False
        self.change(in_force(self._compiled, wall))
        return True

    @property
    def until(self) -> float:
        """Unix time of the next change; ``inf`` where there is none."""
        return self._in_force.until

    def change(self, now: InForce) -> None:
        """Begin with the views of a time at which other things are in force."""
        self._in_force = now
        self.effects.advance(now)
        self._views = {}
        self._of_vlans = self._by_vlan()

    def of(self, address: bytes, interface: str = "") -> View | None:
        """The view of a client by the 4 or 16 octets of its address; None if it is in no VLAN.

        ``interface`` is the name of the one that it asks on, and counts for link-local addresses.
        """
        if is_link_local(address):
            vlan = self._by_interface.get(interface)
            return None if vlan is None else self.of_vlan(vlan)
        vlans = self._vlans.matches(address)
        if not vlans:
            return None
        running = self._in_force.exemptions
        by_prefix = [p for p in self._exempted.matches(address) if p in running]
        of_vlan = self._of_vlans.get(vlans[0], ())
        if not by_prefix:  # nearly always
            return self._view(vlans[0], of_vlan)
        return self._view(vlans[0], tuple(sorted({*by_prefix, *of_vlan})))

    def of_vlan(self, vlan: int) -> View:
        """The view of the clients of a VLAN without exemptions by prefix."""
        return self._view(vlan, self._of_vlans.get(vlan, ()))

    def _by_vlan(self) -> dict[int, tuple[int, ...]]:
        """The exemptions in force that are for a whole VLAN, by VLAN."""
        by_vlan: dict[int, tuple[int, ...]] = {}
        for index in sorted(self._in_force.exemptions):
            vlan = self._compiled.exemptions[index].vlan
            if vlan is not None:
                by_vlan[vlan] = (*by_vlan.get(vlan, ()), index)
        return by_vlan

    def _view(self, vlan: int, exemptions: tuple[int, ...]) -> View:
        key = (vlan, exemptions)
        view = self._views.get(key)
        if view is None:
            effect = self.effects.of(self._compiled.vlans[vlan].policy, exemptions)
            view = self._views[key] = View(vlan, effect)
        return view
