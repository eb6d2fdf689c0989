"""The view of the clients of each prefix: of those of the VLANs, and of exemptions by prefix."""

from resolver.policy.compiled import CompiledConfig
from resolver.policy.prefix import Prefix
from resolver.policy.prefixes import Network, network_of
from resolver.policy.view import View, Views
from resolver.publish.client_prefixes import contains, exempted_prefixes


def views_by_prefix(compiled: CompiledConfig, wall: float) -> dict[Prefix, View | None]:
    """The view of the clients whose most specific prefix this is, for each prefix.

    The prefixes are those of VLANs, and of the exemptions in force at ``wall``, in seconds since
    1970. None where a prefix has no such clients, or they are in no VLAN.
    """
    views = Views(compiled, wall)
    prefixes = (*exempted_prefixes(compiled, wall), *compiled.prefixes)
    places = {network_of(prefix): prefix for prefix in prefixes}
    views_of: dict[Prefix, View | None] = {}
    for place, prefix in places.items():
        address = _own_address(place, places)
        views_of[prefix] = views.of(address) if address else None
    return views_of


def _own_address(place: Network, places: dict[Network, Prefix]) -> bytes | None:
    """An address whose most specific prefix this is; None if those inside cover all of it."""
    inside = sorted(
        (int(inner.network_address), int(inner.broadcast_address))
        for inner in places
        if inner != place and contains(place, inner)
    )
    address = int(place.network_address)
    for first, last in inside:
        if first > address:
            break
        address = max(address, last + 1)
    if address > int(place.broadcast_address):
        return None
    return address.to_bytes(len(place.network_address.packed), "big")
