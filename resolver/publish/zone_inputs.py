"""What decides the content of a zone, as a hash: equal where the zone would be equal.

To hash the rules of a million names takes two seconds; to make them, many times that.

What must stay true:
- The hash has everything that ``policy_zones`` and ``zone_text`` read. So it takes whole values,
  and leaves out only the numbers that services and lists have: a new service changes them all.
- It does not depend on the clock.
"""

import hashlib
import itertools
import json
from collections.abc import Sequence
from dataclasses import replace

from resolver.policy import codec
from resolver.policy.compiled import CompiledConfig
from resolver.policy.index import RULE, Index
from resolver.policy.services import services_in
from resolver.publish.policy_zones import PolicyZone


class ZoneInputs:
    """The hashes of what decides the zones of a snapshot."""

    def __init__(self, compiled: CompiledConfig, rules: Sequence[str], program: str) -> None:
        """``rules`` are ``rule_hashes``; ``program`` stands for the code that makes zones."""
        self._service_of = [source.service for source in compiled.sources]
        self._services = [_hash(service) for service in compiled.services]
        sources = zip(compiled.sources, rules, strict=True)
        self._sources = [_hash(replace(source, service=0), of) for source, of in sources]
        local = tuple(each.name for each in compiled.local)
        self._common = _hash(program, compiled.excepted, compiled.allowed_names, local)
        self._forwarded = tuple(each.zone for each in compiled.forward)

    def hash(self, zone: str, of: PolicyZone) -> str:
        """The hash of what decides a zone with this name."""
        effect = of.view.effect
        own = tuple(itertools.chain.from_iterable(effect.own_rules.by_name.values()))
        unlisted, deciding = effect.default_blocks, effect.deciding
        begins = unlisted and not of.base.default_blocks
        without = begins or bool(deciding & ~of.base.listed)
        changes_names = without or own or effect.exempt & deciding
        services = tuple(services_in(deciding * bool(changes_names), range(len(self._services))))
        kinds = (effect.exempt, effect.blocked, effect.allowed)
        number_of = {service: number for number, service in enumerate(services)}
        lists = tuple(
            (number_of[service], source)
            for service, source in zip(self._service_of, self._sources, strict=True)
            if service in number_of
        )
        return _hash(
            self._common,
            zone,
            without,
            self._forwarded if unlisted else (),
            replace(
                effect.policy,
                blocked_services=0,
                blocked_by_hours=(),
                allowed_services=0,
                grounds_by_service=(),
                allow_and_deny=(),
            ),
            own,
            tuple((self._services[s], *(kind >> s & 1 for kind in kinds)) for s in services),
            lists,
            of.addresses,
            tuple((each.network, each.length) for each in of.passing),
        )


def rule_hashes(compiled: CompiledConfig, index: Index) -> list[str]:
    """A hash of the rules of each list of a snapshot."""
    of_source: list[list[bytes]] = [[] for _ in compiled.sources]
    for rule in index.all_rules():
        flags = len(rule.key) << 2 | rule.subtree << 1 | rule.exception
        of_source[rule.source].append(rule.key + RULE.pack(rule.line, flags))
    return [hashlib.sha256(b"".join(sorted(rules))).hexdigest() for rules in of_source]


def index_hash(index: Index) -> str:
    """A hash of the rules of all lists together: some hundredths of a second for a million."""
    digest = hashlib.sha256()
    for octets in index.buffers:
        digest.update(len(octets).to_bytes(8, "big"))
        digest.update(octets)
    return digest.hexdigest()


def _hash(*values: object) -> str:
    return hashlib.sha256(json.dumps(codec.encode(values)).encode()).hexdigest()
