"""The report for an auditor: what each VLAN may reach, by which directive, and whether it holds.

By VLAN: the policy and its directives, the blocked services, the exemptions with their
approvers, the expectations with their results, and the counts. Moments are seconds since 1970.
Pure: it is made of the compiled config in force, the results of expectations, and the server's
status.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import ip_network
from typing import assert_never

from resolver import __version__
from resolver.analysis.expectations import ExpectationResult
from resolver.audit.figures.small_counts import EXEMPTED
from resolver.metrics.status import ExemptionStatus, ServiceCount, Status, exemptions
from resolver.policy.clauses import Action, Mode
from resolver.policy.compiled import CompiledConfig
from resolver.policy.description import (
    DefaultEntry,
    PolicyDescription,
    RuleEntry,
    ServiceEntry,
    allowed_references,
    describe,
    service_references,
)
from resolver.policy.few_addresses import vlans_with_few_exempted
from resolver.policy.prefixes import Network, network_of
from resolver.policy.service_hours import BlockingHours


@dataclass(frozen=True, slots=True)
class CitedDirective:
    """A directive that a policy carries out."""

    number: str
    date: str
    """As in 2015-02-18."""
    covers: tuple[str, ...]
    """The services and @categories that it bans."""
    narrows: str
    """The number of the directive whose ban it narrows; may be empty."""


@dataclass(frozen=True, slots=True)
class BlockedService:
    """A service that a policy blocks or counts."""

    name: str
    title: str
    category: str
    names: int
    """Blocking rules in its lists."""
    directive: str
    """The number of the directive that bans it; empty for the agency's own policy."""
    hours: tuple[BlockingHours, ...]
    """The hours within which or outside of which alone the policy does so; may be empty."""
    does: Action = Action.BLOCK


@dataclass(frozen=True, slots=True)
class VlanQueryCounts:
    """Queries of a VLAN since the server started."""

    queries: int
    outcomes: dict[str, int]
    services: tuple[ServiceCount, ...]


@dataclass(frozen=True, slots=True)
class VlanReport:
    """A VLAN and all that applies to it."""

    name: str
    id: int | None
    prefixes: tuple[str, ...]
    policy: str
    mode: Mode
    answer: str
    contact: str
    directives: tuple[CitedDirective, ...]
    services: tuple[BlockedService, ...]
    denied: tuple[str, ...]
    """Names that the policy itself blocks."""
    default: Action
    """For a name that nothing covers, as the config has it."""
    allowed: tuple[str, ...]
    """Names, services and @categories that the policy allows."""
    exemptions: tuple[ExemptionStatus, ...]
    expectations: tuple[ExpectationResult, ...]
    counts: VlanQueryCounts


@dataclass(frozen=True, slots=True)
class Report:
    """The whole report."""

    version: str
    at: float
    config: str
    snapshot: str
    """The hash of the policy that is reported."""
    loaded: float
    """Since when it is in force."""
    started: float
    """Since when queries are counted; 0 where none are: in a report of the past."""
    config_differs: bool
    """Whether the config differs from the policy in force, which is reported."""
    expectations_run: bool
    """False where the config has errors, so that its expectations cannot be run."""
    vlans: tuple[VlanReport, ...]
    unassigned_clients: tuple[ExpectationResult, ...]
    """The expectations of clients that no VLAN holds."""
    refused: int
    """Queries of such clients."""
    is_past: bool = False
    """Whether it is of an earlier moment, ``at``."""
    ran: str = ""
    """The release that ran then; empty where that is not known."""

    @property
    def failed(self) -> int:
        """How many expectations do not hold."""
        results = [
            *self.unassigned_clients,
            *(expectation for vlan in self.vlans for expectation in vlan.expectations),
        ]
        return sum(not result.holds for result in results)


@dataclass(frozen=True, slots=True)
class PastActivation:
    """What put the policy of an earlier moment in force."""

    hash: str
    """Of its snapshot."""
    loaded: float
    """When it was put in force."""
    ran: str
    """The release that ran then; empty where that is not known."""


def make_report(
    config: str,
    at: float,
    compiled: CompiledConfig,
    results: Sequence[ExpectationResult] | None,
    status: Status | PastActivation,
    *,
    config_differs: bool = False,
) -> Report:
    """The report of a policy; ``results`` is None where no expectations could be run.

    Counts are those of the status; a past policy has none.
    """
    past = status if isinstance(status, PastActivation) else None
    counted = status if isinstance(status, Status) else None
    by_vlan: dict[str, list[ExpectationResult]] = defaultdict(list)
    for result in results or ():
        by_vlan[result.vlan].append(result)
    policies = describe(compiled)
    few = vlans_with_few_exempted(compiled, compiled.settings.report.smallest)
    vlans = tuple(
        report_vlan(
            *(compiled, policies, place, at, by_vlan.pop(vlan.name, [])),
            _counts(counted, vlan.name, vlan.name in few),
        )
        for place, vlan in enumerate(compiled.vlans)
    )
    return Report(
        version=__version__,
        at=at,
        config=config,
        snapshot=status.hash,
        loaded=status.loaded,
        started=0.0 if counted is None else counted.started,
        config_differs=config_differs,
        expectations_run=results is not None,
        vlans=vlans,
        unassigned_clients=tuple(result for rest in by_vlan.values() for result in rest),
        refused=0 if counted is None else counted.outcome("refused"),
        is_past=past is not None,
        ran="" if past is None else past.ran,
    )


def _counts(status: Status | None, vlan: str, few_exempted: bool) -> VlanQueryCounts:
    """The counts of a VLAN; where few are exempted, without the services of exempted queries."""
    for counts in () if status is None else status.vlans:
        if counts.name == vlan:
            hidden = EXEMPTED if few_exempted else ""
            services = tuple(count for count in counts.services if count.outcome != hidden)
            return VlanQueryCounts(counts.queries, counts.outcomes, services)
    return VlanQueryCounts(0, {}, ())


def report_vlan(
    compiled: CompiledConfig,
    policies: Sequence[PolicyDescription],
    place: int,
    at: float,
    results: Iterable[ExpectationResult],
    counts: VlanQueryCounts,
) -> VlanReport:
    """The report of the VLAN at a place of the compiled config, for a moment."""
    vlan = compiled.vlans[place]
    policy = policies[vlan.policy]
    services, denied = list[BlockedService](), list[str]()
    for entry in policy.restricted:
        match entry:
            case ServiceEntry():
                services.append(_blocked_service(entry))
            case RuleEntry(text=text):
                denied.append(text)
            case DefaultEntry():
                pass  # ``default``
            case _:
                assert_never(entry)
    prefixes = [network_of(prefix) for prefix in compiled.prefixes if prefix.owner == place]
    return VlanReport(
        name=vlan.name,
        id=vlan.id,
        prefixes=tuple(map(str, prefixes)),
        policy=policy.name,
        mode=policy.mode,
        answer=policy.answer,
        contact=policy.contact,
        directives=tuple(_directives(compiled, policy)),
        services=tuple(services),
        denied=tuple(denied),
        default=_default(policy),
        allowed=allowed_references(policy, compiled.services),
        exemptions=tuple(
            exemption
            for exemption in exemptions(compiled, at)
            if _applies(exemption, vlan.name, prefixes)
        ),
        expectations=tuple(results),
        counts=counts,
    )


def _directives(compiled: CompiledConfig, policy: PolicyDescription) -> Iterator[CitedDirective]:
    for directive in policy.directives:
        covered = [
            service
            for service, ground in zip(compiled.services, policy.grounds, strict=True)
            if ground.directive == directive.number
        ]
        covers = service_references(covered, compiled.services)
        yield CitedDirective(directive.number, directive.date, covers, directive.narrows)


def _blocked_service(of: ServiceEntry) -> BlockedService:
    service = of.service
    return BlockedService(
        *(service.name, service.title, service.category, service.entries),
        *(of.ground.directive, of.hours, of.does),
    )


def _default(policy: PolicyDescription) -> Action:
    """As ``default`` of the config has it: in audit mode, what that blocks is counted."""
    return Action.BLOCK if policy.unlisted is policy.mode.blocks else policy.unlisted


def _applies(exemption: ExemptionStatus, vlan: str, prefixes: Sequence[Network]) -> bool:
    """Whether an exemption is for a client of a VLAN."""
    if exemption.vlan is not None:
        return exemption.vlan == vlan
    exempted = map(ip_network, exemption.prefixes)
    return any(one.overlaps(other) for one in exempted for other in prefixes)
