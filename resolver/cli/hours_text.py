"""Hours as a line of text."""

from resolver.cli.moments import local_time
from resolver.metrics.status import HoursStatus


def hours_line(hours: HoursStatus) -> str:
    """Hours, and their next change in this host's time zone."""
    now = "now" if hours.hold else "not now"
    if hours.changes is not None:
        change = "until" if hours.hold else "from"
        now += f", {change} {local_time(hours.changes):%Y-%m-%d %H:%M %Z}"
    return f"hours {hours.name}: {hours.text}; {now}"
