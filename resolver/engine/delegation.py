"""The DS of a forward zone, where the zone above does not know the zone."""

from resolver.dns import codes
from resolver.engine.routing import NameRouting
from resolver.exchange.entry import CacheEntry


def without_nxdomain(name: bytes, entry: CacheEntry, routing: NameRouting) -> CacheEntry:
    """For one reply: an NXDOMAIN for the DS of a forward zone as NODATA, since the zone is there.

    ``name`` is the name of the question. The records do not prove NODATA, so AD is clear.
    """
    if not routing.is_forward_zone(entry.aliases[-1] if entry.aliases else name):
        return entry
    return CacheEntry(
        False, codes.NOERROR, entry.records, entry.counts, entry.ttl_offsets, 0, entry.dated,
        entry.targets, entry.aliases, entry.errors,
    )  # fmt: skip
