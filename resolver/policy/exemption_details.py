"""The exemptions of a config as values for people."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

from resolver.policy.clauses import RESTRICTING
from resolver.policy.compiled import CompiledConfig
from resolver.policy.moment import next_change
from resolver.policy.prefixes import by_owner, network_of, prefix_text
from resolver.policy.services import services_in


@dataclass(frozen=True, slots=True)
class ExemptionDetails:
    """An exemption of a config, with its VLAN, prefixes and services by their names."""

    id: str
    vlan: str | None
    prefixes: Sequence[str]
    services: Sequence[str]
    until: float
    approver: str
    ticket: str
    reason: str
    begins: float = 0.0
    """Unix time; 0 for at once."""
    hours: str = ""
    """The hours within which alone it is in force; may be empty."""


def comparable(exemption: ExemptionDetails) -> dict[str, object]:
    """The fields of an exemption, equal where the exemption is: order says nothing."""
    several = {"prefixes": sorted(exemption.prefixes), "services": sorted(exemption.services)}
    return {**asdict(exemption), **several}


def exemption_details(compiled: CompiledConfig) -> Iterator[ExemptionDetails]:
    """The exemptions of a config, ended or not."""
    prefixes = by_owner(compiled.exempted_prefixes)
    for index, exemption in enumerate(compiled.exemptions):
        yield ExemptionDetails(
            exemption.id,
            None if exemption.vlan is None else compiled.vlans[exemption.vlan].name,
            tuple(prefix_text(prefix.network, prefix.length) for prefix in prefixes.get(index, ())),
            tuple(service.name for service in services_in(exemption.services, compiled.services)),
            exemption.until,
            exemption.approver,
            exemption.ticket,
            exemption.reason,
            exemption.from_,
            exemption_hours(compiled, index),
        )


def exemption_hours(compiled: CompiledConfig, index: int) -> str:
    """The name of the hours within which alone an exemption is in force; may be empty."""
    hours = compiled.exemptions[index].hours
    return "" if hours is None else compiled.hours[hours].name


def in_force_until(compiled: CompiledConfig, index: int, wall: float) -> float:
    """The moment at which an exemption that is in force ends, or its hours do."""
    exemption = compiled.exemptions[index]
    if exemption.hours is None:
        return exemption.until
    return min(exemption.until, next_change(compiled.hours[exemption.hours], wall))


def permits_anything(compiled: CompiledConfig, index: int) -> bool:
    """Whether a client of an exemption has a policy that blocks or counts one of its services."""
    exemption = compiled.exemptions[index]
    if exemption.vlan is not None:
        vlans = {exemption.vlan}
    else:
        networks = [
            network_of(prefix) for prefix in compiled.exempted_prefixes if prefix.owner == index
        ]
        vlans = {
            prefix.owner
            for prefix in compiled.prefixes
            if any(network_of(prefix).overlaps(network) for network in networks)
        }
    policies = [compiled.policies[compiled.vlans[vlan].policy] for vlan in vlans]
    return any(policy.services(*RESTRICTING) & exemption.services for policy in policies)
