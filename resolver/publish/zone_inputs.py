"""The hash of what decides a zone: a zone with the same hash has the same content.

A zone depends on what its policy does now, on the lists of the services that the policy names, and
on some of the names that pass everywhere: an exception of any list, a local record, or an allowed
name makes NODATA of NXDOMAIN above it. Such a name counts for a zone where one of these covers it:
a rule of a service that the policy names, a rule of the policy's own, or a default that blocks.
Elsewhere the zone has no rule above the name that the name could change. A default that blocks also
passes local records and the zones of this network.

What must stay true:
- The hash has everything that ``policy_zones`` and ``zone_text`` read: the fields that decide names
  or replies (``policy.facets``). A field of the config that is not in ``_BY_ZONE`` counts for all
  zones.
- It does not depend on the clock.
"""

import hashlib
import json
from collections.abc import Collection, Iterable
from functools import cached_property
from operator import attrgetter
from typing import Final

from resolver.dns import names
from resolver.policy import codec
from resolver.policy.clauses import OwnRule
from resolver.policy.compiled import CompiledConfig, ListSource, Service
from resolver.policy.effect import Effect
from resolver.policy.facets import Facet, deciding
from resolver.policy.index import Index
from resolver.policy.judge import zones_of_this_network
from resolver.policy.projection import Projection
from resolver.policy.rule_names import passing_keys, within
from resolver.policy.services import services_in, union
from resolver.publish.policy_zones import PolicyZone

_BY_ZONE: Final = (
    *("services", "sources", "policies", "excepted", "local", "forward", "allowed_names"),
    *("vlans", "prefixes", "exemptions", "exempted_prefixes", "hours", "ranges"),
)
"""The fields of a config that count for some zones: in their effects, addresses and clients."""
_NOT_OF_ZONES: Final = ("protected", "firewall_ranges")
"""They decide what answers and firewalls do, and no rule for a question."""
_FACETS: Final = Facet.NAMES | Facet.REPLY
_OF_RULE: Final = attrgetter(*deciding(OwnRule, _FACETS))


class ZoneInputs:
    """The hashes of what decides the zones of a snapshot."""

    def __init__(self, compiled: CompiledConfig, index: Index, program: str) -> None:
        """``program`` stands for the code that makes zones."""
        self._compiled = compiled
        self._index = index
        self._projection = Projection(compiled, _FACETS)
        self._of_all = _hash(program, _fields_of(compiled, (*_BY_ZONE, *_NOT_OF_ZONES)))
        self._names = [service.name for service in compiled.services]
        lists: list[list[ListSource]] = [[] for _ in compiled.services]
        for source in compiled.sources:
            lists[source.service].append(source)
        self._services = [*map(self._of_service, compiled.services, lists)]
        self._passing = _PassingNames(compiled, index)

    def hash(self, zone: str, of: PolicyZone) -> str:
        """The hash of what decides a zone with this name."""
        effect = of.view.effect
        clients = tuple((rule.network, rule.length) for rule in of.passing)
        return _hash(
            self._of_all,
            zone,
            self._of_effect(effect),
            self._of_effect(of.base),
            tuple(services_in(effect.listed | of.base.listed, self._services)),
            self._passing.counting(effect),
            of.addresses,
            clients,
        )

    def _of_service(self, service: Service, lists: Iterable[ListSource]) -> str:
        """What a service and the rules of its lists say."""
        values = (
            (_fields_of(source, ("service",)), "" if source.rules else self._every_rule)
            for source in lists
        )
        return _hash(_fields_of(service), tuple(values))

    @cached_property
    def _every_rule(self) -> str:
        """For a list of a snapshot that has no hash of its rules."""
        digest = hashlib.sha256()
        for octets in self._index.buffers:
            digest.update(len(octets).to_bytes(8, "big"))
            digest.update(octets)
        return digest.hexdigest()

    def _of_effect(self, effect: Effect) -> tuple[object, ...]:
        """What a policy does now, by the names of services."""
        services, exempt = effect.services, effect.exempt & effect.listed
        sets = (*services.doing.values(), services.outside_hours, exempt)
        return (
            _fields_of(effect.policy, ("clauses",)),
            tuple(tuple(services_in(members, self._names)) for members in sets),
            tuple(map(_OF_RULE, effect.own_rules.rules)),
            self._projection.clauses_beside_lists(effect.policy),
        )


class _PassingNames:
    """The names that pass in every zone, and those zones for which they count."""

    def __init__(self, compiled: CompiledConfig, index: Index) -> None:
        self._keys = passing_keys(compiled)
        of_list = [1 << source.service for source in compiled.sources]
        by_cover: dict[int, list[bytes]] = {}
        for key in self._keys:
            rules = index.match(names.from_index_key(key))
            cover = union(of_list[rule.source] for rule in rules)
            by_cover.setdefault(cover, []).append(key)
        self._by_cover = {cover: _of_names(keys) for cover, keys in by_cover.items()}
        local = [local_name.name for local_name in compiled.local]
        no_default = (zones_of_this_network(compiled), local)
        network = (_of_names(sorted(map(names.index_key, zones))) for zones in no_default)
        self._all = _of_names(self._keys), *network

    def counting(self, effect: Effect) -> tuple[str, ...]:
        """Hashes of the names that count where this is in force."""
        if effect.default_blocks:
            return self._all
        covered = (of_cover for cover, of_cover in self._by_cover.items() if cover & effect.listed)
        rules = sorted(map(names.index_key, effect.own_rules.by_name))
        return (*sorted(covered), _of_names(within(self._keys, rules)))


def _of_names(keys: Iterable[bytes]) -> str:
    """A hash of names: in wire form, one says where the next begins."""
    return hashlib.sha256(b"".join(map(names.from_index_key, keys))).hexdigest()


def _fields_of(value: object, without: Collection[str] = ()) -> tuple[object, ...]:
    """The names and values of the fields of a dataclass that decide a zone, but for some."""
    fields = deciding(type(value), _FACETS, of_one_server=True)  # type: ignore[arg-type] # a type can be hashed
    return tuple((field, getattr(value, field)) for field in fields if field not in without)


def _hash(*values: object) -> str:
    return hashlib.sha256(json.dumps(codec.encode(values)).encode()).hexdigest()
