"""An exemption in one line."""

from resolver.cli.moments import moment_text
from resolver.policy.exemption_details import ExemptionDetails
from resolver.system.english import some_text

_SHOWN = 5
"""Services that are named; of more, only how many there are besides (--json has them all)."""


def exemption_text(exemption: ExemptionDetails) -> str:
    """Its id, services, clients, times and approver."""
    whom = f"VLAN {exemption.vlan}" if exemption.vlan else ", ".join(exemption.prefixes)
    services = some_text(exemption.services[:_SHOWN], len(exemption.services))
    begin = f"from {moment_text(exemption.begins)} " if exemption.begins else ""
    within = f" within {exemption.hours}" if exemption.hours else ""
    when = f"{begin}until {moment_text(exemption.until)}{within}"
    by = f"{exemption.approver} ({exemption.ticket})"
    return f"{exemption.id}: {services} for {whom} {when}, approved by {by}"
