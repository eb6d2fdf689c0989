"""The groups of clients with a view of their own, by their prefixes: for what has no zones.

A VLAN is a group; the clients of an exemption by prefix are another.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from resolver.policy.compiled import CompiledConfig
from resolver.policy.prefix import Prefix
from resolver.policy.prefixes import Network, network_of
from resolver.policy.view import View, Views
from resolver.publish.client_prefixes import contains, exempted_prefixes
from resolver.publish.resolver_vlans import ClientPrefix, client_prefixes


@dataclass(frozen=True, slots=True)
class ClientView:
    """Clients with the same view."""

    name: str
    """The VLAN, and the exemptions by prefix."""
    view: View
    clients: tuple[ClientPrefix, ...]
    """The longest prefix first: the first that matches decides."""


def views_by_prefix(terms: CompiledConfig, wall: float) -> dict[Prefix, View | None]:
    """The view of the clients of each prefix that are in no longer one.

    The prefixes are those of VLANs, and of the exemptions in force at ``wall``, in seconds since
    1970. None where a prefix has no such clients, or they are in no VLAN.
    """
    views = Views(terms, wall)
    prefixes = (*exempted_prefixes(terms, wall), *terms.prefixes)
    places = {network_of(prefix): prefix for prefix in prefixes}
    found: dict[Prefix, View | None] = {}
    for place, prefix in places.items():
        address = _own_address(place, places)
        found[prefix] = views.of(address) if address else None
    return found


def client_views(terms: CompiledConfig, wall: float) -> Iterator[ClientView]:
    """All groups at a moment, in seconds since 1970."""
    views, of_prefix = Views(terms, wall), views_by_prefix(terms, wall)
    groups: dict[tuple[int, tuple[int, ...]], tuple[View, set[Prefix]]] = {}
    for prefix, view in of_prefix.items():
        if view is not None:
            groups.setdefault((view.vlan, view.effect.exemptions), (view, set()))[1].add(prefix)
    for view, group in groups.values():
        of_vlan = views.of_vlan(view.vlan).effect.exemptions
        more = [each for each in view.effect.exemptions if each not in of_vlan]
        name = "+".join([terms.vlans[view.vlan].name, *(terms.exemptions[e].id for e in more)])
        yield ClientView(name, view, tuple(client_prefixes(of_prefix, group)))


def _own_address(place: Network, places: dict[Network, Prefix]) -> bytes | None:
    """An address of a prefix that is in no longer one; None if those inside cover all of it."""
    inside = sorted(
        (int(each.network_address), int(each.broadcast_address))
        for each in places
        if each != place and contains(place, each)
    )
    address = int(place.network_address)
    for first, last in inside:
        if first > address:
            break
        address = max(address, last + 1)
    if address > int(place.broadcast_address):
        return None
    return address.to_bytes(len(place.network_address.packed), "big")
