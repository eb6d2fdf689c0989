"""Find the addresses in an entry that lie in the ranges of services."""

from resolver.dns import codes
from resolver.dns.svcb import address_hints
from resolver.engine.entry import CacheEntry
from resolver.policy.address_ranges import AddressRanges


def find_addresses(entry: CacheEntry, ranges: AddressRanges | None) -> None:
    """Note in an entry its addresses that lie in these ranges, for policy."""
    entry.ranges = ranges
    if ranges is None:
        entry.addresses = ()
        return
    records, ttl_offsets = entry.records, entry.ttl_offsets
    found: list[bytes] = []
    for index in range(0, len(ttl_offsets), 2):
        at = ttl_offsets[index] << 8 | ttl_offsets[index + 1]
        rtype = records[at - 4] << 8 | records[at - 3]
        data = at + 6
        if rtype == codes.A:
            address = records[data : data + 4]
            if ranges.matches(address):
                found.append(address)
        elif rtype == codes.AAAA:
            address = records[data : data + 16]
            if ranges.matches(address):
                found.append(address)
        elif rtype in (codes.SVCB, codes.HTTPS):
            hints = address_hints(records[data : data + (records[at + 4] << 8 | records[at + 5])])
            found += [address for address in hints if ranges.matches(address)]
    entry.addresses = tuple(found)
