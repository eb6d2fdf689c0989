"""Hours and exemptions, in one line each."""

from resolver.cli.moments import minute_text, moment_text
from resolver.metrics.status import HoursStatus
from resolver.policy.exemption_details import ExemptionDetails
from resolver.system.english import some_text

_SHOWN = 5
"""Services that are named; of more, only how many there are besides (--json has them all)."""


def hours_text(hours: HoursStatus) -> str:
    """Their name, days and times, and their next change."""
    now = "now" if hours.hold else "not now"
    if hours.changes is not None:
        change = "until" if hours.hold else "from"
        now += f", {change} {minute_text(hours.changes)}"
    return f"{hours.name}: {hours.text}; {now}"


def exemption_text(exemption: ExemptionDetails) -> str:
    """Its id, services, clients, times and approver."""
    whom = f"VLAN {exemption.vlan}" if exemption.vlan else ", ".join(exemption.prefixes)
    services = some_text(exemption.services[:_SHOWN], len(exemption.services))
    begin = f"from {moment_text(exemption.begins)} " if exemption.begins else ""
    within = f" within {exemption.hours}" if exemption.hours else ""
    when = f"{begin}until {moment_text(exemption.until)}{within}"
    by = f"{exemption.approver} ({exemption.ticket})"
    return f"{exemption.id}: {services} for {whom} {when}, approved by {by}"
