"""What was in force for a client or a VLAN, as text."""

from collections.abc import Iterator
from itertools import groupby
from typing import assert_never

from resolver.audit.policy_report import BlockedService
from resolver.audit.standing import Standing
from resolver.cli.exemption_text import exemption_text
from resolver.policy.clauses import Action


def standing_text(standing: Standing) -> str:
    """What was blocked, on which ground, and which exemptions held."""
    client = "" if standing.client is None else f"client {standing.client}, "
    head = f"{client}VLAN {standing.vlan}, policy {standing.policy}, mode {standing.mode}"
    return "\n".join([head, *_blocked(standing), *_others(standing), *_exemptions(standing)])


def _blocked(standing: Standing) -> Iterator[str]:
    def group(service: BlockedService) -> tuple[str, str]:
        return _done(service.does), _ground(service)

    for (done, ground), services in groupby(sorted(standing.blocked, key=group), key=group):
        yield f"{done}, {ground}: {', '.join(each.name for each in services)}"
    if not standing.blocked:
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


def _others(standing: Standing) -> Iterator[str]:
    # In audit mode, a policy counts what its ``deny`` and its ``default`` would block.
    blocks = Action.COUNT if standing.mode == "audit" else Action.BLOCK
    for what, names in (
        ("not blocked at this hour", standing.other_hours),
        (f"{_done(blocks)}, by name", standing.denied),
        ("allowed", standing.allowed),
    ):
        if names:
            yield f"{what}: {', '.join(names)}"
    if standing.default != Action.PASS:
        does = blocks if standing.default == Action.BLOCK else Action(standing.default)
        yield f"all other names were {_done(does)}"


def _exemptions(standing: Standing) -> Iterator[str]:
    if standing.exempted:
        yield f"open by an exemption: {', '.join(standing.exempted)}"
    for each in standing.exemptions:
        reason = f"; {each.reason}" if each.reason else ""
        yield f"exempted: {exemption_text(each)}{reason}"
    if not standing.exemptions:
        yield "exempted: nobody"
