"""What was in force for a client or a VLAN, as text."""

from collections.abc import Iterator
from itertools import groupby

from resolver.cli.exemption_text import exemption_text
from resolver.reports.policy_report import BlockedService
from resolver.reports.standing import Standing


def standing_text(standing: Standing) -> str:
    """What was blocked, on which ground, and which exemptions held."""
    client = "" if standing.client is None else f"client {standing.client}, "
    head = f"{client}VLAN {standing.vlan}, policy {standing.policy}, mode {standing.mode}"
    return "\n".join([head, *_blocked(standing), *_others(standing), *_exemptions(standing)])


def _blocked(standing: Standing) -> Iterator[str]:
    by_ground = sorted(standing.blocked, key=_ground)
    for ground, services in groupby(by_ground, key=_ground):
        yield f"blocked, {ground}: {', '.join(each.name for each in services)}"
    if not standing.blocked:
        yield "blocked: no service"


def _ground(service: BlockedService) -> str:
    directive = service.directive
    ground = f"by directive {directive}" if directive else "by the agency's own policy"
    hours = "; ".join(map(str, service.hours))
    return f"{ground}, {hours}" if hours else ground


def _others(standing: Standing) -> Iterator[str]:
    for what, names in (
        ("not blocked at this hour", standing.other_hours),
        ("blocked by name", standing.denied),
        ("allowed", standing.allowed),
    ):
        if names:
            yield f"{what}: {', '.join(names)}"
    if standing.default == "block":
        yield "all other names were blocked"


def _exemptions(standing: Standing) -> Iterator[str]:
    if standing.exempted:
        yield f"open by an exemption: {', '.join(standing.exempted)}"
    for each in standing.exemptions:
        reason = f"; {each.reason}" if each.reason else ""
        yield f"exempted: {exemption_text(each)}{reason}"
    if not standing.exemptions:
        yield "exempted: nobody"
