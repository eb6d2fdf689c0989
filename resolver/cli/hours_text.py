"""Hours in one line."""

from resolver.cli.moments import minute_text
from resolver.metrics.status import HoursStatus


def hours_text(hours: HoursStatus) -> str:
    """Their name, days and times, and their next change."""
    now = "now" if hours.hold else "not now"
    if hours.changes is not None:
        change = "until" if hours.hold else "from"
        now += f", {change} {minute_text(hours.changes)}"
    return f"{hours.name}: {hours.text}; {now}"
