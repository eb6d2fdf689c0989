"""An exemption in one line."""

from resolver.cli.moments import local_time
from resolver.metrics.status import ExemptionDetails


def exemption_text(exemption: ExemptionDetails) -> str:
    """Its id, services, clients, end and approver; the end is in this host's time."""
    whom = f"VLAN {exemption.vlan}" if exemption.vlan else ", ".join(exemption.prefixes)
    until = local_time(exemption.until).isoformat(" ", "seconds")
    return (
        f"{exemption.id}: {', '.join(exemption.services)} for {whom} until {until}, approved by "
        f"{exemption.approver} ({exemption.ticket})"
    )
