"""What the zones for other resolvers do not have of a policy, or have otherwise."""

from collections.abc import Iterator
from itertools import chain

from resolver.policy.compiled import Snapshot
from resolver.policy.effect import Effects
from resolver.publish.client_prefixes import passing_prefixes
from resolver.publish.policy_zones import WILDCARD, policy_zones
from resolver.publish.zone_text import block_set_zone, contents, override_zone, room
from resolver.settings import Publication


def left_out(snapshot: Snapshot, wall: float) -> list[str]:
    """A text for each; none where nothing is published. ``wall`` is in seconds since 1970."""
    compiled = snapshot.compiled
    publication = compiled.settings.publish
    if publication is None:
        return []
    found = [str(gap) for gap in passing_prefixes(compiled, wall).gaps]
    if _has_long_names(snapshot, publication):
        zones = policy_zones(compiled, snapshot.index(), wall)
        for content in contents(zones, publication):
            for _ in content.body():
                pass  # the changes are known at its end
            found += content.changes
    return found


def _has_long_names(snapshot: Snapshot, publication: Publication) -> bool:
    """Whether a rule may not fit into a zone. All zones are made to see which, which takes long."""
    compiled = snapshot.compiled
    zones = chain(
        (block_set_zone(policy.name, publication) for policy in compiled.policies),
        (override_zone(vlan.name, publication) for vlan in compiled.vlans),
    )
    longest = min(map(room, zones)) - len(WILDCARD)
    return any(len(name) > longest for name in _names(snapshot))


def _names(snapshot: Snapshot) -> Iterator[bytes]:
    """All names of rules."""
    compiled = snapshot.compiled
    yield from (rule.name for rule in snapshot.index().all_rules())
    yield from chain.from_iterable(each.own_rules.by_name for each in Effects(compiled).of_policies)
    yield from (each.name for each in compiled.local)
    yield from (each.zone for each in compiled.forward)
