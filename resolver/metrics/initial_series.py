"""The series that the policies in force can produce, exported with 0 from the start.

Prometheus' ``rate`` ignores the first value of a series. Without the 0, it would miss the first
block of a service on a VLAN.
"""

from collections.abc import Iterator, Mapping

from resolver.dns import codes
from resolver.metrics import definitions
from resolver.metrics.counter_sums import Labels
from resolver.metrics.layout import UNKNOWN
from resolver.policy.compiled import CompiledConfig
from resolver.policy.services import services_in, union
from resolver.policy.verdict import Outcome

_ANYWHERE = (Outcome.PASSED, Outcome.FAILED, Outcome.DROPPED)
_USUAL = (codes.NOERROR, codes.NXDOMAIN, codes.SERVFAIL)


def queries(terms: CompiledConfig) -> Iterator[Labels]:
    """By VLAN, outcome and service."""
    exempted = union(exemption.services for exemption in terms.exemptions)
    yield UNKNOWN, Outcome.REFUSED.label, ""
    for vlan in terms.vlans:
        policy = terms.policies[vlan.policy]
        yield from ((vlan.name, outcome.label, "") for outcome in _ANYWHERE)
        if any(each.rebinding for each in terms.groups if each.name == policy.upstream):
            yield vlan.name, Outcome.REBINDING.label, ""
        caught = Outcome.BLOCKED if policy.enforce else Outcome.WOULD_BLOCK
        if policy.denied:
            yield vlan.name, caught.label, ""
        blocked = services_in(policy.blocks, terms.services)
        yield from ((vlan.name, caught.label, service.name) for service in blocked)
        lifted = services_in(policy.blocks & exempted, terms.services)
        yield from ((vlan.name, Outcome.EXEMPTED.label, service.name) for service in lifted)


def responses(terms: CompiledConfig) -> Iterator[Labels]:
    """By VLAN and rcode."""
    yield UNKNOWN, codes.RCODES[codes.REFUSED]
    for vlan in terms.vlans:
        yield from ((vlan.name, codes.RCODES[rcode]) for rcode in _USUAL)


def types() -> Iterator[Labels]:
    """By type."""
    yield from ((codes.type_text(number),) for number in definitions.COUNTED_TYPES)
    yield (definitions.OTHER_TYPE,)


def bypass(terms: CompiledConfig, kinds: Mapping[str, str]) -> Iterator[Labels]:
    """By VLAN and kind; ``kinds`` has the kind of each service that is a way around."""
    for vlan in terms.vlans:
        for service in services_in(terms.policies[vlan.policy].blocks, terms.services):
            if service.name in kinds:
                yield vlan.name, kinds[service.name]
