"""Address lists by service, for firewalls that fetch them: for whom it is blocked, and its ranges.

A firewall has one rule for a service: reject what goes from its clients to its ranges. Policy,
hours and exemptions change only the clients, so the rule stays as it is.

What must stay true:
- ``policy.view`` decides: each address of a client list is one whose view blocks the service now,
  and each address of a VLAN that is in no list is one whose view does not.
- No list is empty, since some firewalls open where a list is. A list without addresses has
  a prefix that no host has (RFC 5737, RFC 3849).
- The module is pure: the same snapshot and the same time give the same lists.
"""

import hashlib
from collections.abc import Iterable, Iterator
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    collapse_addresses,
    ip_network,
    summarize_address_range,
)
from itertools import pairwise
from typing import Final, NamedTuple

from resolver.policy.compiled import CompiledConfig
from resolver.policy.prefixes import network_of
from resolver.policy.services import union
from resolver.policy.view import View, Views
from resolver.publish.client_prefixes import exempted_prefixes

NOBODY_V4: Final = (IPv4Network("192.0.2.0/24"),)
NOBODY_V6: Final = (IPv6Network("2001:db8::/32"),)
"""In a list without addresses of a family."""

Network = IPv4Network | IPv6Network


class Networks(NamedTuple):
    """Merged prefixes by family, in the order of their addresses."""

    v4: tuple[IPv4Network, ...]
    v6: tuple[IPv6Network, ...]


class ServiceFeed(NamedTuple):
    """The lists of a service."""

    service: str
    clients: Networks
    """For whom it is blocked."""
    ranges: Networks


def service_feeds(compiled: CompiledConfig, wall: float) -> list[ServiceFeed]:
    """The lists of each service that has ranges, at a moment in seconds since 1970."""
    ranges: dict[int, list[Network]] = {}
    for prefix in (*compiled.ranges, *compiled.firewall_ranges):
        service = compiled.sources[prefix.source].service
        ranges.setdefault(service, []).append(ip_network((prefix.network, prefix.length)))
    clients: dict[int, list[Network]] = {service: [] for service in ranges}
    with_ranges = union(1 << service for service in ranges)
    for networks, view in _views(compiled, wall):
        blocked = view.effect.enforced & with_ranges
        for service in clients:
            if blocked >> service & 1:
                clients[service] += networks
    return [
        ServiceFeed(compiled.services[service].name, _merged(clients[service]), _merged(addresses))
        for service, addresses in sorted(ranges.items())
    ]


def _views(compiled: CompiledConfig, wall: float) -> Iterator[tuple[list[Network], View]]:
    """The addresses of all VLANs, in pieces whose clients have the same view."""
    views = Views(compiled, wall)
    prefixes = (*compiled.prefixes, *exempted_prefixes(compiled, wall))
    networks = list(map(network_of, prefixes))
    for kind in (IPv4Address, IPv6Address):
        of_kind = [network for network in networks if isinstance(network.network_address, kind)]
        begins = {int(network.network_address) for network in of_kind}
        ends = {int(network.broadcast_address) + 1 for network in of_kind}
        for first, after in pairwise(sorted(begins | ends)):
            view = views.of(kind(first).packed)
            if view is not None:
                yield [*summarize_address_range(kind(first), kind(after - 1))], view


def _merged(networks: Iterable[Network]) -> Networks:
    networks = list(networks)
    return Networks(
        tuple(
            collapse_addresses(network for network in networks if isinstance(network, IPv4Network))
        ),
        tuple(
            collapse_addresses(network for network in networks if isinstance(network, IPv6Network))
        ),
    )


def feed_files(feed: ServiceFeed) -> Iterator[tuple[str, str]]:
    """The lists of a service in each form, by the names of their files."""
    for what, networks in (("clients", feed.clients), ("ranges", feed.ranges)):
        v4, v6 = networks.v4 or NOBODY_V4, networks.v6 or NOBODY_V6
        yield f"{feed.service}/{what}.txt", _lines([*v4, *v6])
        yield f"{feed.service}/{what}-ipv4.txt", _lines(v4)
        yield f"{feed.service}/{what}-ipv6.txt", _lines(v6)
        name = f"darban-{feed.service}-{what}"
        yield f"{feed.service}/{what}.rsc", _routeros(name, v4, v6)
        yield f"{feed.service}/{what}.cisco.txt", _cisco(name.upper(), v4, v6)


def _lines(networks: Iterable[Network]) -> str:
    return "".join(f"{network}\n" for network in networks)


def _routeros(name: str, v4: Iterable[IPv4Network], v6: Iterable[IPv6Network]) -> str:
    """A script for RouterOS, after which the address lists of both families are these.

    What is not listed anew is removed last, so the lists are never empty meanwhile. RouterOS shows
    the address of one IPv4 host without its length.
    """
    v4_texts = [str(network).removesuffix("/32") for network in v4]
    v6_texts = [str(network) for network in v6]
    mark = hashlib.sha256("\n".join([*v4_texts, *v6_texts]).encode()).hexdigest()[:16]
    lines = []
    for family, texts in (("ip", v4_texts), ("ipv6", v6_texts)):
        lines.append(f"/{family} firewall address-list")
        for text in texts:
            known = f"[find list={name} address={text}]"
            add = f"add list={name} address={text} comment={mark}"
            lines.append(f":do {{ {add} }} on-error={{ set {known} comment={mark} }}")
        lines.append(f"remove [find list={name} comment!={mark}]")
    return "\n".join([*lines, ""])


def _cisco(name: str, v4: Iterable[IPv4Network], v6: Iterable[IPv6Network]) -> str:
    """Object groups of IOS XE; what is in a group already and not here stays in it."""
    lines = [f"object-group network {name}"]
    lines += [f" {network.network_address} {network.netmask}" for network in v4]
    lines += [f"object-group v6-network {name}-V6", *(f" {network}" for network in v6)]
    return "\n".join([*lines, ""])
