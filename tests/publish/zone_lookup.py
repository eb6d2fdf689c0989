"""What a resolver does with response policy zones, written from the RPZ draft and RFC 4592."""

from collections.abc import Iterable, Mapping, Sequence

from resolver.dns import names
from resolver.publish.policy_zones import PASSTHRU, ZoneAction, ZoneRule


class ZoneLookup:
    """Looks names up in a zone as an authoritative server does."""

    def __init__(self, rules: Sequence[ZoneRule]) -> None:
        self._actions: Mapping[bytes, ZoneAction] = dict(rules)
        assert len(self._actions) == len(rules)
        self._exist = {zone for rule in rules for zone in names.zones(rule.owner)} | {names.ROOT}

    def action(self, name: bytes) -> ZoneAction | None:
        """The action for a name; None where the zone says nothing of it."""
        if name in self._exist:
            return self._actions.get(name)
        encloser = next(zone for zone in names.zones(name) if zone in self._exist)
        return self._actions.get(names.WILDCARD + encloser)


def decide(zones: Iterable[ZoneLookup], name: bytes) -> ZoneAction:
    """The first zone that has an action decides; without any the name passes."""
    return next((found for zone in zones if (found := zone.action(name))), PASSTHRU)
