"""What was in force for a client or a VLAN, as text."""

from collections.abc import Iterator
from itertools import groupby
from typing import assert_never

from resolver.audit.effective_policy import EffectivePolicy
from resolver.audit.policy_report import BlockedService
from resolver.cli.policy_text import exemption_text
from resolver.policy.clauses import Action


def effective_policy_text(effective: EffectivePolicy) -> str:
    """What was blocked, on which ground, and which exemptions held."""
    client = "" if effective.client is None else f"client {effective.client}, "
    head = f"{client}VLAN {effective.vlan}, policy {effective.policy}, mode {effective.mode}"
    return "\n".join([head, *_blocked(effective), *_others(effective), *_exemptions(effective)])


def _blocked(effective: EffectivePolicy) -> Iterator[str]:
    def group(service: BlockedService) -> tuple[str, str]:
        return _done(service.does), _ground(service)

    for (done, ground), services in groupby(sorted(effective.blocked, key=group), key=group):
        yield f"{done}, {ground}: {', '.join(service.name for service in services)}"
    if not effective.blocked:
        yield "blocked: no service"


def _done(does: Action) -> str:
    """What is done to names."""
    match does:
        case Action.PASS:
            return "allowed"
        case Action.BLOCK:
            return "blocked"
        case Action.COUNT:
            return "counted only"
        case _:
            assert_never(does)


def _ground(service: BlockedService) -> str:
    directive = service.directive
    ground = f"by directive {directive}" if directive else "by the agency's own policy"
    hours = "; ".join(map(str, service.hours))
    return f"{ground}, {hours}" if hours else ground


def _others(effective: EffectivePolicy) -> Iterator[str]:
    blocks = effective.mode.blocks  # what its ``deny`` and its ``default`` do
    for what, names in (
        ("not blocked at this hour", effective.other_hours),
        (f"{_done(blocks)}, by name", effective.denied),
        ("allowed", effective.allowed),
    ):
        if names:
            yield f"{what}: {', '.join(names)}"
    if effective.default is not Action.PASS:
        does = blocks if effective.default is Action.BLOCK else effective.default
        yield f"all other names were {_done(does)}"


def _exemptions(effective: EffectivePolicy) -> Iterator[str]:
    if effective.exempted:
        yield f"open by an exemption: {', '.join(effective.exempted)}"
    for exemption in effective.exemptions:
        reason = f"; {exemption.reason}" if exemption.reason else ""
        yield f"exempted: {exemption_text(exemption)}{reason}"
    if not effective.exemptions:
        yield "exempted: nobody"
