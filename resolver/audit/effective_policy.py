"""What a policy did to one VLAN or one client at a moment. Pure."""

from dataclasses import dataclass

from resolver.analysis.explanation import Explainer
from resolver.audit.policy_report import BlockedService, VlanQueryCounts, VlanReport, report_vlan
from resolver.metrics.status import ExemptionStatus
from resolver.policy.clauses import Action, Mode
from resolver.policy.description import describe
from resolver.policy.services import services_in
from resolver.policy.view import View

_RUNNING = ("in force", "ends soon")


@dataclass(frozen=True, slots=True)
class EffectivePolicy:
    """What was in force for a VLAN or a client."""

    client: str | None
    """An address; None for a VLAN."""
    vlan: str
    policy: str
    mode: Mode
    default: Action
    """For a name that nothing covers, as the config has it."""
    blocked: tuple[BlockedService, ...]
    """The services that were blocked or counted then, without those that were exempted."""
    exempted: tuple[str, ...]
    """The services that the policy restricted, and that an exemption let this client use."""
    other_hours: tuple[str, ...]
    """The services that are blocked or counted at other hours only."""
    denied: tuple[str, ...]
    """Names that the policy itself blocks."""
    allowed: tuple[str, ...]
    """Names, services and @categories that the policy allows."""
    exemptions: tuple[ExemptionStatus, ...]
    """Those that held: for this client, or for any client of the VLAN."""


def effective_policy_of_client(explainer: Explainer, address: str) -> EffectivePolicy | None:
    """What is in force for an address; None where no VLAN has it."""
    view = explainer.client(address)
    return None if view is None else _effective_policy(explainer, view, address)


def effective_policy_of_vlan(explainer: Explainer, view: View) -> EffectivePolicy:
    """What is in force for a VLAN: for its clients without exemptions of their own."""
    return _effective_policy(explainer, view, None)


def _effective_policy(explainer: Explainer, view: View, client: str | None) -> EffectivePolicy:
    compiled, effect = explainer.compiled, view.effect
    none = VlanQueryCounts(0, {}, ())
    vlan = report_vlan(compiled, describe(compiled), view.vlan, explainer.wall, (), none)

    def names(services: int) -> tuple[str, ...]:
        return tuple(service.name for service in services_in(services, compiled.services))

    done = {action: names(effect.services.doing[action] & ~effect.exempt) for action in Action}
    return EffectivePolicy(
        client=client,
        vlan=vlan.name,
        policy=vlan.policy,
        mode=vlan.mode,
        default=vlan.default,
        blocked=tuple(service for service in vlan.services if service.name in done[service.does]),
        exempted=names(effect.restricted & effect.exempt),
        other_hours=names(effect.services.outside_hours),
        denied=vlan.denied,
        allowed=vlan.allowed,
        exemptions=_held(explainer, vlan, view, of_client=client is not None),
    )


def _held(
    explainer: Explainer, vlan: VlanReport, view: View, *, of_client: bool
) -> tuple[ExemptionStatus, ...]:
    """The exemptions that hold: for a client those of its view, else those of the whole VLAN."""
    ids = {explainer.compiled.exemptions[place].id for place in view.effect.exemptions}
    return tuple(
        exemption
        for exemption in vlan.exemptions
        if (exemption.id in ids if of_client else exemption.state in _RUNNING)
    )
