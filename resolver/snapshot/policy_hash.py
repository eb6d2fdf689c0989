"""The policy hash: equal on two servers that block and permit the same, for the same clients.

The hash of a snapshot also changes with paths, addresses, upstreams, local data, line numbers and
the order of tables. The policy hash has only what decides: the VLANs' prefixes and interfaces, what
each policy blocks with which rules, how a blocked query is answered and on what ground, and the
exemptions. Lists that no policy uses do not count.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence

from resolver.lists.rules import BlockList
from resolver.policy.compiled import CompiledConfig, Policy
from resolver.policy.prefix import Prefix
from resolver.policy.prefixes import by_owner
from resolver.policy.services import services_in, union


def policy_hash(terms: CompiledConfig, lists: Sequence[BlockList]) -> str:
    """16 hexadecimal digits; ``lists`` are those of ``terms.sources``, in the same order."""
    used = union(policy.blocks for policy in terms.policies)
    prefixes = by_owner(terms.prefixes)
    content = [
        sorted(
            [service.name, service.category, service.always_nxdomain, _lists(terms, lists, place)]
            for place, service in enumerate(terms.services)
            if used >> place & 1
        ),
        sorted(_policy(terms, policy) for policy in terms.policies),
        sorted(
            [
                *(vlan.name, terms.policies[vlan.policy].name, _prefixes(prefixes.get(place, ()))),
                *([vlan.interface] if vlan.interface else []),
            ]
            for place, vlan in enumerate(terms.vlans)
        ),
        sorted(_exemptions(terms)),
    ]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]


def _lists(terms: CompiledConfig, lists: Sequence[BlockList], service: int) -> list[str]:
    """The hashes of the lists of a service: an exception cancels rules of its own list."""
    found = []
    for source, block_list in zip(terms.sources, lists, strict=True):
        if source.service == service:
            rules = sorted(
                rule.name + bytes((rule.subtree, rule.exception)) for rule in block_list.rules
            )
            digest = hashlib.sha256(bytes((block_list.longest_match,)))
            digest.update(b"".join(rules))
            digest.update(
                " ".join(sorted(str(each.network) for each in block_list.ranges)).encode()
            )
            found.append(digest.hexdigest())
    return sorted(found)


def _policy(terms: CompiledConfig, policy: Policy) -> list[object]:
    grounds = {service.name: ground.text for service, ground in policy.blocked(terms.services)}
    return [
        policy.name,
        sorted(grounds.items()),
        sorted((rule.name.hex(), rule.subtree, rule.allow) for rule in policy.own),
        *(policy.answer, policy.sinkhole_v4.hex(), policy.sinkhole_v6.hex(), policy.enforce),
        policy.contact,
    ]


def _exemptions(terms: CompiledConfig) -> Iterable[list[object]]:
    prefixes = by_owner(terms.exempted_prefixes)
    for place, exemption in enumerate(terms.exemptions):
        services = services_in(exemption.services, terms.services)
        yield [
            "" if exemption.vlan is None else terms.vlans[exemption.vlan].name,
            _prefixes(prefixes.get(place, ())),
            sorted(service.name for service in services),
            exemption.until,
        ]


def _prefixes(prefixes: Iterable[Prefix]) -> list[str]:
    return sorted(f"{each.network.hex()}/{each.length}" for each in prefixes)
