"""Hours in one line."""

from resolver.cli.moments import local_time
from resolver.metrics.status import HoursStatus


def hours_text(hours: HoursStatus) -> str:
    """Their name, days and times, and their next change in this host's time zone."""
    now = "now" if hours.hold else "not now"
    if hours.changes is not None:
        change = "until" if hours.hold else "from"
        now += f", {change} {local_time(hours.changes):%Y-%m-%d %H:%M %Z}"
    return f"{hours.name}: {hours.text}; {now}"
