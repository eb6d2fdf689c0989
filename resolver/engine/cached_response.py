"""A cache entry as the response that it is, for ``explain``."""

import struct
from typing import Final

from resolver.dns import codes
from resolver.exchange.entry import CacheEntry
from resolver.exchange.question import name_of_key, type_of_key

_HEADER: Final = struct.Struct(">6H")


def cached_response(key: bytes, entry: CacheEntry, now: float) -> bytes:
    """The response that the cache has for the question of a key, with the TTLs of now."""
    flags = codes.QR | codes.RD | codes.RA | entry.rcode
    if entry.authentic:
        flags |= codes.AD
    question = name_of_key(key) + type_of_key(key) + codes.IN.to_bytes(2, "big")
    return _HEADER.pack(0, flags, 1, *entry.counts) + question + entry.aged(now)
