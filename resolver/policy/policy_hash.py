"""The policy hash: equal on two servers that block and permit the same, for the same clients.

The hash of a snapshot also changes with paths, addresses, upstreams, local data, line numbers and
the order of tables. The policy hash is made from the fields of the compiled policy: each one is in
it by its name, unless ``facets.FIELDS`` says why not. Lists that no policy uses do not count.

What must stay true:
- An index, which depends on the order of tables, is counted as what it refers to.
- A field that a release adds has a value that stands for its absence (``facets.Row.absent``): so a
  policy that does not use it has the hash that it had before.
- ``VERSION`` rises when equal policies would get another hash.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Final

from resolver.dns import names
from resolver.policy.clauses import Action
from resolver.policy.compiled import AddressRange, CompiledConfig, Policy
from resolver.policy.facets import ALL
from resolver.policy.prefix import Prefix
from resolver.policy.prefixes import by_owner, packed
from resolver.policy.projection import Projection, ordered
from resolver.policy.services import services_in, union

VERSION: Final = 4
"""Hashes of two versions cannot be compared."""

Rule = tuple[bytes, bool, bool, int]
"""A rule of a list (``lists.rules.Rule``): name, subtree, exception, line."""


def policy_hash(compiled: CompiledConfig) -> str:
    """The version, a colon and 16 hexadecimal digits."""
    used = union(policy.used_services for policy in compiled.policies)
    service = [compiled_service.name for compiled_service in compiled.services]
    clients, exempted = by_owner(compiled.prefixes), by_owner(compiled.exempted_prefixes)
    counted = Projection(compiled, ALL)
    content = counted.of(
        compiled,
        services=ordered(map(counted.of, services_in(used, compiled.services))),
        sources=ordered(
            counted.of(source, service=service[source.service])
            for source in compiled.sources
            if used >> source.service & 1
        ),
        ranges=_ranges(compiled, counted, compiled.ranges, used),
        firewall_ranges=_ranges(compiled, counted, compiled.firewall_ranges, used),
        policies=ordered(_policy(compiled, counted, policy) for policy in compiled.policies),
        vlans=ordered(
            (
                *counted.of(vlan, policy=compiled.policies[vlan.policy].name),
                ("prefixes", _prefixes(clients, index)),
            )
            for index, vlan in enumerate(compiled.vlans)
        ),
        prefixes=(),
        exemptions=ordered(
            (
                *counted.of(
                    exemption,
                    vlan="" if exemption.vlan is None else compiled.vlans[exemption.vlan].name,
                    services=ordered(services_in(exemption.services, service)),
                    hours=""
                    if exemption.hours is None
                    else counted.of(compiled.hours[exemption.hours]),
                ),
                ("prefixes", _prefixes(exempted, index)),
            )
            for index, exemption in enumerate(compiled.exemptions)
        ),
        exempted_prefixes=(),
        hours=(),
    )
    return f"{VERSION}:{hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]}"


def _ranges(
    compiled: CompiledConfig, counted: Projection, ranges: Iterable[AddressRange], used: int
) -> tuple[object, ...]:
    """The ranges of the services that policies use, one bit each."""
    return ordered(
        counted.of(prefix, source=compiled.services[index].name)
        for prefix in ranges
        if used >> (index := compiled.sources[prefix.source].service) & 1
    )


def _policy(compiled: CompiledConfig, counted: Projection, policy: Policy) -> tuple[object, ...]:
    """A policy. Its sinkhole may be the block page of this server: a pair has one each."""
    pages = {packed(page.address) for page in compiled.settings.block_page} - _ANY
    v4, v6 = (
        "the block page" if address in pages else address.hex()
        for address in (policy.sinkhole_v4, policy.sinkhole_v6)
    )
    hashed = counted.policy(policy, sinkhole_v4=v4, sinkhole_v6=v6)
    if policy.unlisted is Action.PASS:
        return hashed
    return *hashed, ("names of the network", _names_of_network(compiled))


def _names_of_network(compiled: CompiledConfig) -> tuple[object, ...]:
    """The names of the network, which a default that blocks lets pass."""
    zones = {forward.zone for forward in compiled.forward} - {names.ROOT}
    return ordered(zone.hex() for zone in {*zones, *(local.name for local in compiled.local)})


_ANY: Final = {bytes(4), bytes(16)}
"""To listen on all addresses does not say which of them are this server's."""


def _prefixes(of: Mapping[int, Iterable[Prefix]], owner: int) -> list[str]:
    """All fields of the prefixes of an owner, which may be 100,000."""
    return sorted(f"{prefix.network.hex()}/{prefix.length}" for prefix in of.get(owner, ()))


def hash_parts(policy_hash: str) -> tuple[str, str]:
    """The version and the digits of a hash; that of 0.1.0 has no version.

    Hashes of two versions say nothing of each other.
    """
    version, _, digits = policy_hash.rpartition(":")
    return version, digits


def rules_digest(rules: Iterable[Rule]) -> str:
    """All fields that count of the rules of a list, which may be a million."""
    octets = sorted(name + _MARKS[subtree, exception] for name, subtree, exception, _ in rules)
    return hashlib.sha256(b"".join(octets)).hexdigest()


_MARKS: Final = {(s, e): bytes((s, e)) for s in (False, True) for e in (False, True)}
