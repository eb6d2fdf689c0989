"""Which exemptions are for the same clients and services. Pure."""

from collections.abc import Iterator
from typing import NamedTuple

from resolver.policy.compiled import CompiledConfig
from resolver.policy.exemption_details import ExemptionDetails, exemption_details
from resolver.policy.moment import ended
from resolver.policy.prefixes import Network, common, network_of


class StillExempted(NamedTuple):
    """What clients of an exemption have by another one, too."""

    clients: tuple[str, ...]
    """Prefixes, or the name of the VLAN that both exemptions are for."""
    services: tuple[str, ...]
    by: ExemptionDetails


def repeats(one: ExemptionDetails, other: ExemptionDetails) -> bool:
    """Whether two exemptions are of one ticket, and permit the same at a time that both have."""
    first_end, last_begin = min(one.until, other.until), max(one.begins, other.begins)
    return not ended(first_end, last_begin) and _grant(one) == _grant(other)


def _grant(exemption: ExemptionDetails) -> tuple[object, ...]:
    clients = exemption.vlan, frozenset(exemption.prefixes)
    ticket = exemption.ticket.strip().casefold()
    return *clients, frozenset(exemption.services), exemption.hours, ticket


def still_exempted(compiled: CompiledConfig, id_: str, now: float) -> Iterator[StillExempted]:
    """What the clients of an exemption have by others that have not ended, also later ones."""
    details = list(exemption_details(compiled))
    [index] = [place for place, exemption in enumerate(details) if exemption.id == id_]
    for place, other in enumerate(details):
        services = tuple(name for name in details[index].services if name in other.services)
        if place != index and services and not ended(other.until, now):
            clients = tuple(_common_clients(compiled, index, place))
            if clients:
                yield StillExempted(clients, services, other)


def _common_clients(compiled: CompiledConfig, index: int, place: int) -> Iterator[str]:
    """The clients that two exemptions share."""
    one, other = (compiled.exemptions[at].vlan for at in (index, place))
    if one is not None and other is not None:
        if one == other:
            yield compiled.vlans[one].name
        return
    vlan = one if other is None else other
    shared = common(_networks(compiled, index), _networks(compiled, place))
    for network in dict.fromkeys(shared):
        if vlan is None or vlan == _vlan_of(compiled, network):
            yield str(network)


def _networks(compiled: CompiledConfig, index: int) -> list[Network]:
    """The prefixes of the clients of an exemption."""
    vlan = compiled.exemptions[index].vlan
    if vlan is not None:
        return [network_of(prefix) for prefix in compiled.prefixes if prefix.owner == vlan]
    exempted = compiled.exempted_prefixes
    return [network_of(prefix) for prefix in exempted if prefix.owner == index]


def _vlan_of(compiled: CompiledConfig, network: Network) -> int | None:
    """The VLAN of the addresses of a prefix, by the longest prefix that holds all of them."""
    holding = [
        prefix
        for prefix in compiled.prefixes
        if common([network_of(prefix)], [network]) == [network]
    ]
    return max(holding, key=lambda prefix: prefix.length).owner if holding else None
