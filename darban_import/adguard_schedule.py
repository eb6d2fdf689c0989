"""The schedule of blocked services of AdGuard Home: the hours in which they are not blocked."""

import re
from collections import defaultdict

from darban_import.old_setup import OldDuring, OldHours, OldSetup, OldSetupError, unique
from darban_import.yaml_text import Table
from resolver.config.hours_model import DAYS, clock_text
from resolver.policy.settings import DEFAULT_TIME_ZONE
from resolver.system.time_zones import time_zone

_DAY = 86_400
_DURATION = re.compile(r"(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,6})(?:\.0*)?s)?", re.ASCII)
"""As Go prints it: 8h0m0s."""
_LOCAL = ("", "Local")


def read_schedule(
    setup: OldSetup, schedule: Table, services: tuple[str, ...], whose: str
) -> tuple[OldDuring, ...]:
    """When services are blocked; nothing where they are at all hours.

    Pauses of the same time on each day are hours outside of which the services are blocked. Else
    what is left of each day are hours within which they are.

    Raises:
        OldSetupError: a time cannot be read.
    """
    pauses = {day: pause for day in DAYS if (pause := _pause(schedule.table(day), whose))}
    if not pauses or not services:
        return ()
    zone = _zone(setup, schedule.text("time_zone"), whose)
    if len(set(pauses.values())) == 1:
        (pause,) = set(pauses.values())
        hours = _add(setup, _hours(tuple(pauses), *pause, zone))
        return (OldDuring(hours, True, services),)
    return tuple(
        OldDuring(_add(setup, _hours(tuple(days), *part, zone)), False, services)
        for part, days in _blocked(pauses).items()
    )


def _blocked(pauses: dict[str, tuple[int, int]]) -> dict[tuple[int, int], list[str]]:
    """The parts of the week without a pause, as days by their beginning and end."""
    days = defaultdict(list)
    for day in DAYS:
        start, end = pauses.get(day, (_DAY, _DAY))
        for part in ((0, start), (end, _DAY)):
            if part[0] < part[1]:
                days[part].append(day)
    return days


def _pause(day: Table, whose: str) -> tuple[int, int] | None:
    """The pause of a day, in seconds since midnight; None where it has none."""
    start, end = (_seconds(day.text(key), whose) for key in ("start", "end"))
    if start == end == 0:
        return None
    if not 0 <= start < end <= _DAY:
        raise OldSetupError(f"{whose}: a schedule ends before it begins")
    return start, end


def _seconds(text: str, whose: str) -> int:
    parts = _DURATION.fullmatch(text)
    if parts is None:
        raise OldSetupError(f"{whose}: found the time '{text}' in a schedule; expected 8h0m0s")
    hours, minutes, seconds = (int(part or 0) for part in parts.groups())
    total = hours * 3600 + minutes * 60 + seconds
    if total % 60:
        raise OldSetupError(f"{whose}: '{text}' in a schedule is no whole minute")
    return total


def _zone(setup: OldSetup, name: str, whose: str) -> str:
    """The time zone of a schedule. ``Local`` is that of the old server, which the file has not."""
    if name in _LOCAL:
        setup.leave(
            f"{whose}: the schedule is in the local time of the old server, which the file does "
            f"not name: taken as {DEFAULT_TIME_ZONE}. If it is another, change [hours.*] time_zone"
        )
        return DEFAULT_TIME_ZONE
    if time_zone(name) is None:
        raise OldSetupError(f"{whose}: there is no time zone '{name}'")
    return name


def _hours(days: tuple[str, ...], start: int, end: int, zone: str) -> OldHours:
    return OldHours(days, clock_text(start), clock_text(end), zone)


def _add(setup: OldSetup, hours: OldHours) -> str:
    """The name of hours; those that are there already are not added again."""
    for name, known in setup.hours.items():
        if known == hours:
            return name
    name = unique("imported-hours", setup.hours)
    setup.hours[name] = hours
    return name
