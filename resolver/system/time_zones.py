"""Time zones, by the rules of the package tzdata.

Two servers with the same release have the same rules, whatever their systems have.
"""

import datetime as dt
import importlib.readers  # noqa: F401 - resources imports it later, where root may have fewer rights
from functools import cache
from importlib import resources
from zoneinfo import ZoneInfo


@cache
def time_zone(name: str) -> ZoneInfo | None:
    """A time zone of the package tzdata, such as Asia/Tehran; None if there is none."""
    parts = name.split("/")
    if not all(part.replace("_", "").replace("-", "").replace("+", "").isalnum() for part in parts):
        return None
    file = resources.files("tzdata").joinpath("zoneinfo", *parts)
    if not file.is_file():
        return None
    with file.open("rb") as text:
        try:
            return ZoneInfo.from_file(text, name)
        except ValueError:  # an index of the package, such as tzdata.zi
            return None


def zone_or_utc(name: str) -> dt.tzinfo:
    """The same; UTC if there is none."""
    return time_zone(name) or dt.UTC


def utc_offset(zone: ZoneInfo, at: int) -> int:
    """The seconds that local time is ahead of UTC at a moment."""
    offset = dt.datetime.fromtimestamp(at, zone).utcoffset()
    return 0 if offset is None else int(offset.total_seconds())


def hour_of(at: float, zone: ZoneInfo) -> int:
    """When the local hour of a moment began, in UTC seconds since 1970."""
    offset = utc_offset(zone, int(at))
    return (int(at) + offset) // 3600 * 3600 - offset
