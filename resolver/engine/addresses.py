"""Find the ranges that the addresses in an entry lie in."""

from resolver.dns import codes
from resolver.dns.rdata import address_hints
from resolver.exchange.entry import CacheEntry
from resolver.policy.address_ranges import AddressRanges


def find_addresses(entry: CacheEntry, ranges: AddressRanges | None) -> None:
    """Note in an entry one address for each of these ranges that its addresses lie in."""
    entry.note(ranges, () if ranges is None else ranges.distinct(_addresses(entry)))


def _addresses(entry: CacheEntry) -> list[bytes]:
    """All addresses in the records and in their hints."""
    records, ttl_offsets = entry.records, entry.ttl_offsets
    addresses: list[bytes] = []
    for index in range(0, len(ttl_offsets), 2):
        at = ttl_offsets[index] << 8 | ttl_offsets[index + 1]
        rtype = records[at - 4] << 8 | records[at - 3]
        data = at + 6
        if rtype == codes.A:
            addresses.append(records[data : data + 4])
        elif rtype == codes.AAAA:
            addresses.append(records[data : data + 16])
        elif rtype in (codes.SVCB, codes.HTTPS):
            end = data + (records[at + 4] << 8 | records[at + 5])
            addresses += address_hints(records[data:end])
    return addresses
