"""The policy hash: equal on two servers that block and permit the same, for the same clients.

The hash of a snapshot also changes with paths, addresses, upstreams, local data, line numbers and
the order of tables. The policy hash is made from the fields of the compiled policy: each one is in
it, also a new one, unless ``NOT_COUNTED`` says why not. Lists that no policy uses do not count.

What must stay true:
- An index, which depends on the order of tables, is counted as what it refers to.
- ``VERSION`` rises when equal policies would get another hash.
"""

import dataclasses
import functools
import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Final, assert_never

from resolver.dns import names
from resolver.policy.clauses import Does, OwnRules, Services, Unlisted
from resolver.policy.compiled import AddressRange, CompiledConfig, Policy
from resolver.policy.prefixes import by_owner, packed
from resolver.policy.services import services_in, union
from resolver.prefix import Prefix

VERSION: Final = 3
"""Hashes of two versions cannot be compared."""
_DERIVED: Final = "it follows from what counts"
_PEOPLE: Final = "only people read it"
_SERVER: Final = "each server has its own"
_OWN_NAMES: Final = "each server has its own; the names count where a default blocks (_open_names)"
NOT_COUNTED: Final[Mapping[str, str]] = {
    "Service.entries": _DERIVED,
    "Service.reviewed": _PEOPLE,
    "ListSource.file": _SERVER,
    "ListSource.name": "only metrics have it",
    "ListSource.entries": _DERIVED,
    "ListSource.fallback": "the rules of the copy count",
    "ListSource.refused": "these rules are not used",
    "ListSource.of_others": "it decides which rules are used, and these count",
    "OwnRule.text": "one rule can be written in several ways",
    "Policy.upstream": _SERVER,
    "Policy.title": _PEOPLE,
    "Vlan.id": _PEOPLE,
    "Vlan.title": _PEOPLE,
    "Vlan.queries_per_address": "a limit is no policy",
    "AddressRange.line": _PEOPLE,
    "Hours.name": _PEOPLE,
    "Hours.moments": _DERIVED,
    "Exemption.id": _PEOPLE,
    "Exemption.approver": _PEOPLE,
    "Exemption.ticket": _PEOPLE,
    "Exemption.reason": _PEOPLE,
    "CompiledConfig.excepted": _DERIVED,
    "CompiledConfig.local": _OWN_NAMES,
    "CompiledConfig.forward": _OWN_NAMES,
    "CompiledConfig.groups": _SERVER,
    "CompiledConfig.subscriptions": "the rules that they bring count",
    "CompiledConfig.settings": _SERVER,
    "CompiledConfig.policy_hash": "it is the result",
    "CompiledConfig.protected": "it decides which rules are used, and these count",
    "CompiledConfig.allowed_names": _DERIVED,
    "CompiledConfig.expectations": "they test the policy, and change nothing",
    "CompiledConfig.form": "it is how the rest is stored",
    "Rule.line": _PEOPLE,
}
"""The fields that do not count, each with the reason."""


Rule = tuple[bytes, bool, bool, int]
"""A rule of a list (``lists.rules.Rule``): name, subtree, exception, line."""


def policy_hash(compiled: CompiledConfig) -> str:
    """The version, a colon and 16 hexadecimal digits."""
    used = union(policy.used_services for policy in compiled.policies)
    service = [each.name for each in compiled.services]
    clients, exempted = by_owner(compiled.prefixes), by_owner(compiled.exempted_prefixes)
    content = _counted(
        compiled,
        services=_sorted(map(_counted, services_in(used, compiled.services))),
        sources=_sorted(
            _counted(source, service=service[source.service])
            for source in compiled.sources
            if used >> source.service & 1
        ),
        ranges=_ranges(compiled, compiled.ranges, used),
        firewall_ranges=_ranges(compiled, compiled.firewall_ranges, used),
        policies=_sorted(_policy(compiled, policy) for policy in compiled.policies),
        vlans=_sorted(
            [*_counted(vlan, policy=compiled.policies[vlan.policy].name), _prefixes(clients, index)]
            for index, vlan in enumerate(compiled.vlans)
        ),
        prefixes=(),
        exemptions=_sorted(
            [
                *_counted(
                    each,
                    exempted_vlan=""
                    if each.exempted_vlan is None
                    else compiled.vlans[each.exempted_vlan].name,
                    exempted_services=_sorted(services_in(each.exempted_services, service)),
                    exempted_hours=""
                    if each.exempted_hours is None
                    else _counted(compiled.hours[each.exempted_hours]),
                ),
                _prefixes(exempted, index),
            ]
            for index, each in enumerate(compiled.exemptions)
        ),
        exempted_prefixes=(),
        hours=(),
    )
    return f"{VERSION}:{hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]}"


def _ranges(compiled: CompiledConfig, ranges: Iterable[AddressRange], used: int) -> list[object]:
    """The ranges of the services that policies use, one bit each."""
    return _sorted(
        _counted(each, source=compiled.services[index].name)
        for each in ranges
        if used >> (index := compiled.sources[each.source].service) & 1
    )


def _policy(compiled: CompiledConfig, policy: Policy) -> list[object]:
    """A policy. Its sinkhole may be the block page of this server: a pair has one each."""
    pages = {packed(each.address) for each in compiled.settings.block_page} - _ANY
    v4, v6 = (
        "the block page" if each in pages else each.hex()
        for each in (policy.sinkhole_v4, policy.sinkhole_v6)
    )
    counted = _counted(
        policy,
        clauses=_clauses(compiled, policy),
        cited_grounds=_counted(policy.cited_grounds[0]),
        grounds_by_service=(),
        sinkhole_v4=v4,
        sinkhole_v6=v6,
    )
    return [*counted, _open_names(compiled)] if policy.unlisted is not Does.PASS else counted


def _clauses(compiled: CompiledConfig, policy: Policy) -> list[object]:
    """The clauses; a service is in one for each thing that is done to it at the same hours."""
    grounds = [policy.cited_grounds[index] for index in policy.grounds_by_service]
    found: list[object] = []
    for clause in policy.clauses:
        match clause:
            case OwnRules(rules=rules, vlan=vlan):
                of = ["rule", vlan] if vlan else ["rule"]
                found += [[*of, *_counted(each)] for each in rules]
            case Services(services=services, does=does, within=within):
                when = (
                    ""
                    if within is None
                    else _counted(within, hours=_counted(compiled.hours[within.hours]))
                )
                found += (
                    ["service", does, when, service.name]
                    + ([] if does is Does.PASS else _counted(ground))
                    for service, ground in services_in(
                        services, zip(compiled.services, grounds, strict=True)
                    )
                )
            case Unlisted():
                found.append(["unlisted", *_counted(clause)])
            case _:
                assert_never(clause)
    return _sorted(found)


def _open_names(compiled: CompiledConfig) -> list[object]:
    """The names of the network, which a default that blocks lets pass."""
    zones = {each.zone for each in compiled.forward} - {names.ROOT}
    return _sorted(each.hex() for each in {*zones, *(each.name for each in compiled.local)})


_ANY: Final = {bytes(4), bytes(16)}
"""To listen on all addresses does not say which of them are this server's."""


def _prefixes(of: Mapping[int, Iterable[Prefix]], owner: int) -> list[str]:
    """All fields of the prefixes of an owner, which may be 100,000."""
    return sorted(f"{each.network.hex()}/{each.length}" for each in of.get(owner, ()))


def rules_digest(rules: Iterable[Rule]) -> str:
    """All fields that count of the rules of a list, which may be a million."""
    octets = sorted(name + _MARKS[subtree, exception] for name, subtree, exception, _ in rules)
    return hashlib.sha256(b"".join(octets)).hexdigest()


_MARKS: Final = {(s, e): bytes((s, e)) for s in (False, True) for e in (False, True)}


def _counted(value: object, **instead: object) -> list[object]:
    """The fields of a value that count; ``instead`` are those that have an index."""
    return [
        instead[field] if field in instead else _plain(getattr(value, field))
        for field in _fields(type(value))  # type: ignore[arg-type] # a type can be hashed
    ]


@functools.cache
def _fields(kind: type) -> list[str]:
    fields = [field.name for field in dataclasses.fields(kind)]
    return [each for each in fields if f"{kind.__name__}.{each}" not in NOT_COUNTED]


def _plain(value: object) -> object:
    """A value as JSON has it; the order of several does not count."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, tuple):
        return _sorted(map(_plain, value))
    return _counted(value) if dataclasses.is_dataclass(value) else value


def _sorted(values: Iterable[object]) -> list[object]:
    return sorted(values, key=json.dumps)
