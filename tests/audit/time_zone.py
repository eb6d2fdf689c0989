"""The time zone of the reports in tests."""

from zoneinfo import ZoneInfo

from resolver.system.time_zones import time_zone

TEHRAN = time_zone("Asia/Tehran") or ZoneInfo("Asia/Tehran")
