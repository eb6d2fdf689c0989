"""The zones as seeds: what an engine enforces until it has its first transfer.

An engine without its zones lets all names pass. So each export brings the zones along.
"""

from resolver.policy.settings import Publication
from resolver.publish.check_zones import ZoneChecksum
from resolver.publish.policy_zones import policy_zones
from resolver.publish.zone_text import ZoneContent, contents
from resolver.snapshot.snapshot import Snapshot

_EARLIER = 1 << 30
"""Seconds by which the serials of seeds are earlier than the primary's, in the arithmetic of
RFC 1982: the first transfer replaces a seed, also that of a zone that has not changed for years."""


def seeds(snapshot: Snapshot, publication: Publication, wall: float) -> dict[str, bytes]:
    """The file of each zone by the zone's name, at a moment in seconds since 1970."""
    zones = policy_zones(snapshot.compiled, snapshot.index(), wall)
    serial = max(1, int(wall) - _EARLIER)  # a clock may stand at 1970
    return {content.zone: _seed(content, serial) for content in contents(zones, publication)}


def _seed(zone: ZoneContent, serial: int) -> bytes:
    lines, checksum = b"".join([zone.head(serial), *zone.body()]), ZoneChecksum()
    checksum.add(lines)
    return lines + checksum.line()
