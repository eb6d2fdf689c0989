"""A snapshot as facts that can be compared with those of another: sections of things by name.

A thing is a VLAN, a policy, an exemption, ...; each of its facts is a value or a set of values.
Places (of a service, of a group) become names here, since two snapshots number them
differently.

What must stay true: no field of the compiled config is left out, so that every change is seen. A
field without a name here is shown under its own name. Only ``entries`` is left out, since the rules
themselves are compared (see ``rules``).
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from datetime import tzinfo
from typing import TYPE_CHECKING, assert_never

from resolver.dns import names, presentation
from resolver.dns.local_record import LocalName
from resolver.lists.rules import Rule
from resolver.policy.clauses import RESTRICTING, Action
from resolver.policy.compiled import AddressRange, CompiledConfig, Policy, Service
from resolver.policy.description import (
    DefaultEntry,
    PolicyDescription,
    RuleEntry,
    ServiceEntry,
    describe,
)
from resolver.policy.exemption_details import exemption_details
from resolver.policy.prefix import Prefix
from resolver.policy.prefixes import by_owner, prefix_text
from resolver.policy.settings import Endpoint, Secondary, Settings
from resolver.policy.upstream_groups import ConfiguredGroup
from resolver.system.english import moment_text

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


def summarize(compiled: CompiledConfig, zone: tzinfo) -> dict[str, Section]:
    """All facts of a snapshot, except the rules of its lists; ``zone`` is that of moments."""
    return {
        "vlans": _vlans(compiled),
        "policies": {
            description.name: _policy(policy, description)
            for policy, description in zip(compiled.policies, describe(compiled), strict=True)
            if not policy.vlan
        },
        "hours": {
            hours.name: {"text": hours.text, **_rest(hours, _OF_HOURS)} for hours in compiled.hours
        },
        SERVICES: {
            service.name: _service(place, service, compiled)
            for place, service in enumerate(compiled.services)
        },
        "exemptions": _exemptions(compiled, zone),
        "upstreams": {
            group.name or "default": _group(group)
            for group in compiled.groups
            if not group.name.startswith("forward:")  # these have no name of their own
        },
        "forward": _forward(compiled),
        "local": {names.text(local.name): _local(local) for local in compiled.local},
        "addresses of a filter": {
            prefix_text(prefix.network, prefix.length): _rest(prefix, ("network", "length", "line"))
            for prefix in compiled.filter_ranges
        },
        "fetched lists": {
            subscription.name: _rest(subscription, ("name",))
            for subscription in compiled.subscriptions
        },
        SETTINGS: {key: {VALUE: word} for key, word in _settings(compiled.settings).items()},
    }


def _settings(settings: Settings) -> dict[str, Value]:
    head = settings.page_head
    return {
        **{_KEYS.get(name, name): word for name, word in _rest(settings, ("page_head",)).items()},
        "block_page.name": head.name,
        "block_page.logo": _digest(head.logo),
    }


_KEYS = {
    "cache_bytes": "cache.max_bytes",
    "lists_signers": "lists.allowed_signers",
    "proxied": "server.proxy.listen",
    "proxies": "server.proxy.from",
}
"""The keys of the config, where a field of the settings has another name."""


def _digest(text: str) -> str:
    """What is shown of a text that is too long for a line."""
    return f"SHA-256 {hashlib.sha256(text.encode()).hexdigest()[:16]}" if text else ""


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
    if isinstance(value, Prefix):
        return prefix_text(value.network, value.length)
    if isinstance(value, tuple):
        return ", ".join(str(_word(item)) for item in value)
    if isinstance(value, Secondary):
        return f"{value.key} {value.endpoint}"
    return names.text(value) if isinstance(value, bytes) else str(value)


def _vlans(compiled: CompiledConfig) -> Section:
    prefixes = by_owner(compiled.prefixes)
    return {
        vlan.name: {
            "policy": compiled.policies[vlan.policy].name,
            "prefixes": _prefixes(prefixes.get(place, ())),
            **_own_rules(compiled.policies[vlan.policy]),
            **_rest(vlan, ("name", "policy")),
        }
        for place, vlan in enumerate(compiled.vlans)
    }


def _own_rules(policy: Policy) -> Facts:
    """The rules of the VLAN itself."""
    rules = [rule for clause in policy.on_own_rules if clause.vlan for rule in clause.rules]
    return {
        "allow": frozenset(rule.text for rule in rules if rule.does is Action.PASS),
        "deny": frozenset(rule.text for rule in rules if rule.does is not Action.PASS),
    }


def _prefixes(prefixes: Iterable[Prefix]) -> frozenset[str]:
    return frozenset(prefix_text(prefix.network, prefix.length) for prefix in prefixes)


def _policy(policy: Policy, described: PolicyDescription) -> Facts:
    by_key: dict[str, set[str]] = {"block": set(), "count": set(), "allow": set(), "deny": set()}
    default, cites = "pass", set[str]()
    for entry in described.entries:
        match entry:
            case ServiceEntry(does=does, service=service, ground=ground, hours=hours):
                text = f"{service.name} {', '.join(map(str, hours))}".rstrip()
                by_key[_key_of_service(does)].add(text)
                if does in RESTRICTING and ground.directive:
                    cites.add(f"{ground.directive} for {service.name}")
            case RuleEntry(does=does, text=text):
                by_key["allow" if does is Action.PASS else "deny"].add(text)
            case DefaultEntry(does=does):
                default = does
            case _:
                assert_never(entry)
    return {
        "mode": described.mode,
        **{key: frozenset(texts) for key, texts in by_key.items()},
        "default": default,
        "answer": described.answer,
        "sinkhole": frozenset(described.sinkhole),
        "directives": frozenset(
            " ".join(
                [
                    directive.number,
                    directive.date,
                    *(directive.narrows and ["narrows", directive.narrows]),
                ]
            )
            for directive in described.directives
        ),
        "cites": frozenset(cites),
        **_rest(policy, _OF_POLICY),
    }


def _key_of_service(does: Action) -> str:
    """The key of the config that does it to a service."""
    match does:
        case Action.PASS:
            return "allow"
        case Action.BLOCK:
            return "block"
        case Action.COUNT:
            return "count"
        case _:
            assert_never(does)


_OF_POLICY = (
    *("name", "clauses", "answer", "sinkhole_v4", "sinkhole_v6"),
    *("directives", "cited_grounds", "grounds_by_service"),
)


_OF_EXEMPTION = ("id", "services", "vlan", "until", "from_", "hours")


_OF_HOURS = ("name", "days", "begin", "end", "time_zone", "holidays", "moments")


_OF_SOURCE = ("file", "service", "name", "entries", "refused", "rules")
"""The name is for metrics only; the entries themselves are compared."""


def _service(place: int, service: Service, compiled: CompiledConfig) -> Facts:
    lists = [source for source in compiled.sources if source.service == place]
    return {
        "lists": frozenset(source.file for source in lists),
        "ranges": _ranges(place, compiled, compiled.ranges),
        "ranges for firewalls": _ranges(place, compiled, compiled.firewall_ranges),
        **{
            f"{source.file}, {key}": word
            for source in lists
            for key, word in _rest(source, _OF_SOURCE).items()
        },
        **{
            f"{source.file}, not used": frozenset(
                Rule(rule.name, rule.subtree, False, rule.line).text for rule in source.refused
            )
            for source in lists
        },
        **_rest(service, ("name", "entries")),
    }


def _ranges(place: int, compiled: CompiledConfig, ranges: Iterable[AddressRange]) -> frozenset[str]:
    """The ranges of a service."""
    of_service = (prefix for prefix in ranges if compiled.sources[prefix.source].service == place)
    return frozenset(prefix_text(prefix.network, prefix.length) for prefix in of_service)


def _exemptions(compiled: CompiledConfig, zone: tzinfo) -> Section:
    return {
        details.id: {
            "services": frozenset(details.services),
            "prefixes": frozenset(details.prefixes),
            "until": moment_text(details.until, zone, "seconds"),
            "vlan": details.vlan,
            **({"from": moment_text(details.begins, zone, "seconds")} if details.begins else {}),
            **({"hours": details.hours} if details.hours else {}),
            **_rest(exemption, _OF_EXEMPTION),
        }
        for exemption, details in zip(compiled.exemptions, exemption_details(compiled), strict=True)
    }


def _group(group: ConfiguredGroup) -> Facts:
    """The servers are in their order, which counts: the first is asked first."""
    servers = ", ".join(map(str, group.servers))
    return {
        "servers": servers,
        "rebinding_protection": group.rebinding is not None,
        "ca_file": _digest(group.authorities),
        **_rest(group, ("name", "servers", "authorities")),
    }


def _forward(compiled: CompiledConfig) -> Section:
    by_name = {group.name: group for group in compiled.groups}
    return {
        names.text(forward.zone): _group(by_name[forward.group]) for forward in compiled.forward
    }


def _local(local: LocalName) -> Facts:
    return {
        "records": frozenset(f"{presentation.text(r)}, TTL {r.ttl}" for r in local.records),
        **_rest(local, ("name", "records")),
    }
