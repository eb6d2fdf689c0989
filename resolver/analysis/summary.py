"""A snapshot as facts that can be compared with those of another: sections of things by name.

A thing is a VLAN, a policy, an exemption, ...; each of its facts is a value or a set of values.
Places (of a service, of a group) become names here, since two snapshots number them
differently.

What must stay true: no field of the terms is left out, so that every change is seen. A field
without a name here is shown under its own name. Only ``entries`` is left out: the rules
themselves are compared (see ``rules``).
"""

from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import TYPE_CHECKING

from resolver.dns import names, presentation
from resolver.lists.rules import Rule
from resolver.policy.compiled import (
    CompiledConfig,
    ConfiguredGroup,
    LocalName,
    Policy,
    Service,
)
from resolver.policy.prefix import Prefix
from resolver.policy.prefixes import by_owner, prefix_text
from resolver.policy.services import services_in
from resolver.policy.settings import Endpoint, Secondary

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Value = str | int | float | bool | None
Fact = Value | frozenset[str]
Facts = Mapping[str, Fact]
Section = Mapping[str, Facts]

SETTINGS = "settings"
SERVICES = "services"
VALUE = "value"
"""The key of a setting's only fact."""


def summarize(terms: CompiledConfig) -> dict[str, Section]:
    """All facts of a snapshot, except the rules of its lists."""
    return {
        "vlans": _vlans(terms),
        "policies": {policy.name: _policy(policy, terms) for policy in terms.policies},
        SERVICES: {
            each.name: _service(place, each, terms) for place, each in enumerate(terms.services)
        },
        "exemptions": _exemptions(terms),
        "upstreams": {
            each.name or "default": _group(each)
            for each in terms.groups
            if not each.name.startswith("forward:")  # these have no name of their own
        },
        "forward": _forward(terms),
        "local": {names.text(each.name): _local(each) for each in terms.local},
        "fetched lists": {each.name: _rest(each, ("name",)) for each in terms.subscriptions},
        SETTINGS: {key: {VALUE: word} for key, word in _rest(terms.settings, ()).items()},
    }


def _rest(thing: "DataclassInstance", covered: Iterable[str]) -> dict[str, Value]:
    """The facts of a thing under their own names, without those in ``covered``.

    A part that it may have, such as ``front``, has facts of its own: ``front.dot``.
    """
    facts: dict[str, Value] = {}
    for field in fields(thing):
        value = getattr(thing, field.name)
        if field.name in covered or value is None:
            continue
        if is_dataclass(value) and not isinstance(value, type | Endpoint):
            part = _rest(value, ()).items()
            facts |= {f"{field.name}.{key}": word for key, word in part if word}
        else:
            facts[field.name] = _word(value)
    return facts


def _word(value: object) -> Value:
    """A value, as text where it is none; octets are a name."""
    if isinstance(value, str | int | float | bool):
        return value
    if isinstance(value, tuple):
        return ", ".join(str(_word(each)) for each in value)
    if isinstance(value, Prefix):
        return prefix_text(value.network, value.length)
    if isinstance(value, Secondary):
        return f"{value.key} {value.endpoint}"
    return names.text(value) if isinstance(value, bytes) else str(value)


def _vlans(terms: CompiledConfig) -> Section:
    prefixes = by_owner(terms.prefixes)
    return {
        vlan.name: {
            "policy": terms.policies[vlan.policy].name,
            "prefixes": _prefixes(prefixes.get(place, ())),
            **_rest(vlan, ("name", "policy")),
        }
        for place, vlan in enumerate(terms.vlans)
    }


def _prefixes(prefixes: Iterable[Prefix]) -> frozenset[str]:
    return frozenset(prefix_text(each.network, each.length) for each in prefixes)


def _services(bits: int, terms: CompiledConfig) -> frozenset[str]:
    return frozenset(each.name for each in services_in(bits, terms.services))


def _policy(policy: Policy, terms: CompiledConfig) -> Facts:
    sinkhole = (policy.sinkhole_v4, policy.sinkhole_v6)
    return {
        "block": _services(policy.blocks, terms),
        "allow": frozenset(rule.text for rule in policy.own if rule.allow),
        "deny": frozenset(policy.denied),
        "answer": policy.answer,
        "sinkhole": frozenset(str(ip_address(each)) for each in sinkhole if each),
        "mode": policy.mode,
        "directives": frozenset(each.text for each in policy.grounds if each.directive),
        "cites": _cited(policy, terms),
        **_rest(policy, _OF_POLICY),
    }


_OF_POLICY = (
    *("name", "blocks", "own", "answer", "sinkhole_v4", "sinkhole_v6", "enforce"),
    *("grounds", "ground_of"),
)


def _cited(policy: Policy, terms: CompiledConfig) -> frozenset[str]:
    """The blocked services that a directive covers, with its number."""
    return frozenset(
        f"{ground.directive} for {service.name}"
        for service, ground in policy.blocked(terms.services)
        if ground.directive
    )


_OF_SOURCE = ("file", "service", "name", "entries", "refused")
"""The name is for metrics only; the entries themselves are compared."""


def _service(place: int, service: Service, terms: CompiledConfig) -> Facts:
    lists = [each for each in terms.sources if each.service == place]
    return {
        "lists": frozenset(each.file for each in lists),
        "ranges": frozenset(
            prefix_text(each.network, each.length)
            for each in terms.ranges
            if terms.sources[each.source].service == place
        ),
        **{
            f"{each.file}, {key}": word
            for each in lists
            for key, word in _rest(each, _OF_SOURCE).items()
        },
        **{
            f"{each.file}, not used": frozenset(
                Rule(rule.name, rule.subtree, False, rule.line).text for rule in each.refused
            )
            for each in lists
        },
        **_rest(service, ("name", "entries")),
    }


def _exemptions(terms: CompiledConfig) -> Section:
    prefixes = by_owner(terms.exempted_prefixes)
    return {
        each.id: {
            "services": _services(each.services, terms),
            "vlan": None if each.vlan is None else terms.vlans[each.vlan].name,
            "prefixes": _prefixes(prefixes.get(place, ())),
            "until": moment(each.until),
            **_rest(each, ("id", "services", "vlan", "until")),
        }
        for place, each in enumerate(terms.exemptions)
    }


def moment(seconds: float) -> str:
    """A moment in seconds since 1970, as text in UTC."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(sep=" ").removesuffix("+00:00") + " UTC"


def _group(group: ConfiguredGroup) -> Facts:
    """The servers are in their order, which counts: the first is asked first."""
    servers = ", ".join(map(str, group.servers))
    return {"servers": servers, **_rest(group, ("name", "servers"))}


def _forward(terms: CompiledConfig) -> Section:
    by_name = {group.name: group for group in terms.groups}
    return {names.text(each.zone): _group(by_name[each.group]) for each in terms.forward}


def _local(local: LocalName) -> Facts:
    return {
        "records": frozenset(f"{presentation.text(r)}, TTL {r.ttl}" for r in local.records),
        **_rest(local, ("name", "records")),
    }
