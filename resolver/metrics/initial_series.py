"""The series that the policies in force can produce, exported with 0 from the start.

Prometheus' ``rate`` ignores the first value of a series. Without the 0, it would miss the first
block of a service on a VLAN.
"""

from collections.abc import Iterator, Mapping
from typing import assert_never

from resolver.dns import codes
from resolver.dns.transport import Transport
from resolver.metrics import definitions
from resolver.metrics.counter_sums import Labels
from resolver.metrics.layout import UNKNOWN
from resolver.policy.compiled import CompiledConfig
from resolver.policy.description import DefaultEntry, Entry, RuleEntry, ServiceEntry, describe
from resolver.policy.verdict import Outcome, outcome_of

_ANYWHERE = (Outcome.PASSED, Outcome.FAILED, Outcome.DROPPED)
_USUAL = (codes.NOERROR, codes.NXDOMAIN, codes.SERVFAIL)


def queries(compiled: CompiledConfig) -> Iterator[Labels]:
    """By VLAN, outcome and service."""
    yield UNKNOWN, Outcome.REFUSED.label, ""
    policies = describe(compiled)
    for vlan in compiled.vlans:
        policy, upstream = policies[vlan.policy], compiled.policies[vlan.policy].upstream
        yield from ((vlan.name, outcome.label, "") for outcome in _ANYWHERE)
        if any(group.rebinding for group in compiled.groups if group.name == upstream):
            yield vlan.name, Outcome.REBINDING.label, ""
        if compiled.filter_ranges:
            yield vlan.name, Outcome.NATIONAL_FILTER.label, ""
        for entry in policy.restricted:
            yield vlan.name, outcome_of(entry.does).label, _service(entry)
        exempted = (service.name for service in policy.exemptible)
        yield from ((vlan.name, Outcome.EXEMPTED.label, service) for service in exempted)


def _service(entry: Entry) -> str:
    """The service that queries blocked by it count for; empty where they count for none."""
    match entry:
        case ServiceEntry(service=service):
            return service.name
        case RuleEntry() | DefaultEntry():
            return ""
        case _:
            assert_never(entry)


def responses(compiled: CompiledConfig) -> Iterator[Labels]:
    """By VLAN and rcode."""
    yield UNKNOWN, codes.RCODES[codes.REFUSED]
    for vlan in compiled.vlans:
        yield from ((vlan.name, codes.RCODES[rcode]) for rcode in _USUAL)


def types() -> Iterator[Labels]:
    """By type."""
    yield from ((codes.type_text(number),) for number in definitions.COUNTED_TYPES)
    yield (definitions.OTHER_TYPE,)


def transports(compiled: CompiledConfig) -> Iterator[Labels]:
    """By VLAN and transport."""
    for vlan in (UNKNOWN, *(vlan.name for vlan in compiled.vlans)):
        yield from ((vlan, transport.label) for transport in Transport)


def bypass(compiled: CompiledConfig, kinds: Mapping[str, str]) -> Iterator[Labels]:
    """By VLAN and kind; ``kinds`` has the kind of each service that is a way around."""
    policies = describe(compiled)
    for vlan in compiled.vlans:
        for entry in policies[vlan.policy].restricted:
            if (service := _service(entry)) in kinds:
                yield vlan.name, kinds[service]
