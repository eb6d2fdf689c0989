"""Exemptions by prefix, as far as response policy zones can express them.

A client is matched by a trigger such as ``24.0.20.0.127.rpz-client-ip``. Its only useful action,
``rpz-passthru.``, ends this zone and all later ones: the client gets every name, or the trigger
cannot be used. So an exemption by prefix is expressed where nothing else is blocked for these
clients. Elsewhere it is a gap, and is reported.
"""

import re
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from resolver.policy.compiled import CompiledConfig
from resolver.policy.moment import in_force
from resolver.policy.prefix import Prefix
from resolver.policy.prefixes import Network, network_of
from resolver.policy.view import Views

_ZEROS = re.compile(r"\b0(?::0)+\b")


@dataclass(frozen=True, slots=True)
class Gap:
    """An exemption that is in force and that zones cannot express."""

    exemption: str
    vlan: str
    prefix: str
    still_blocked: int
    """What the policy of the VLAN blocks for these clients all the same: services, names of
    ``deny``, and the default."""

    def __str__(self) -> str:
        return (
            f"exemption {self.exemption}: the zones of VLAN {self.vlan} do not have it for "
            f"{self.prefix}: a response policy zone lets a client pass for all names or for none, "
            f"and {self.still_blocked} of the policy's services, names of deny and default stay "
            "blocked for this prefix"
        )


class PassingPrefixes(NamedTuple):
    """What zones can express of the exemptions by prefix, and what they cannot."""

    by_vlan: Mapping[int, list[Prefix]]
    """The prefixes of clients for whom nothing is blocked."""
    gaps: list[Gap]


def passing_prefixes(compiled: CompiledConfig, wall: float) -> PassingPrefixes:
    """The exemptions by prefix that are in force at a moment, in seconds since 1970."""
    views = Views(compiled, wall)
    exempted = exempted_prefixes(compiled, wall)
    passing: dict[int, list[Prefix]] = {}
    gaps = []
    for prefix in exempted:
        for vlan, clients in _in_vlans(compiled, network_of(prefix)):
            number, of_vlan = compiled.vlans[vlan].policy, views.of_vlan(vlan).effect
            alone = views.effects.of(number, (*of_vlan.exemptions, prefix.owner))
            if alone.enforced == of_vlan.enforced:
                continue  # the exemption changes nothing
            others = [other.owner for other in exempted if contains(network_of(other), clients)]
            effect = views.effects.of(number, (*of_vlan.exemptions, *others))
            still_blocked = effect.enforced.bit_count() + len(effect.denied)
            still_blocked += effect.default_blocks
            if still_blocked:
                exemption = compiled.exemptions[prefix.owner].id
                gaps.append(Gap(exemption, compiled.vlans[vlan].name, str(clients), still_blocked))
            else:
                octets = clients.network_address.packed
                passed = Prefix(octets, clients.prefixlen, prefix.owner)
                if passed not in passing.setdefault(vlan, []):
                    passing[vlan].append(passed)
    return PassingPrefixes(passing, gaps)


def exempted_prefixes(compiled: CompiledConfig, wall: float) -> list[Prefix]:
    """The prefixes of the exemptions in force at a moment, in seconds since 1970."""
    running = in_force(compiled, wall).exemptions
    return [prefix for prefix in compiled.exempted_prefixes if prefix.owner in running]


def address_trigger(octets: bytes, length: int, kind: str) -> str:
    """The owner of an address trigger, without the zone: ``24.0.20.0.127.rpz-client-ip``."""
    parts = [str(octet) for octet in octets] if len(octets) == 4 else _groups(octets)
    return ".".join([str(length), *reversed(parts), kind])


def _groups(octets: bytes) -> list[str]:
    """The groups of an IPv6 address, the longest run of zeros as ``zz``.

    Of ``str`` of an address, some versions of Python write the last octets as IPv4.
    """
    text = ":".join(f"{group:x}" for group in struct.unpack("!8H", octets))
    zeros = max(_ZEROS.finditer(text), key=lambda run: len(run[0]), default=None)
    if zeros is not None:
        text = f"{text[: zeros.start()]}zz{text[zeros.end() :]}"
    return text.split(":")


def _in_vlans(compiled: CompiledConfig, exempted: Network) -> Iterator[tuple[int, Network]]:
    """The VLANs that have clients in a prefix: with the smaller of the two prefixes."""
    around: tuple[int, int] | None = None
    for prefix in compiled.prefixes:
        clients = network_of(prefix)
        if contains(exempted, clients) and clients != exempted:
            yield prefix.owner, clients
        elif contains(clients, exempted):
            around = max(around or (-1, -1), (prefix.length, prefix.owner))
    if around is not None:
        yield around[1], exempted


def contains(outer: Network, inner: Network) -> bool:
    """Whether one network lies in another, or is the same."""
    return outer.prefixlen <= inner.prefixlen and outer.overlaps(inner)
