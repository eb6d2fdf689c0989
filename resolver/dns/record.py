"""A record that this server answers by itself."""

from typing import NamedTuple

DEFAULT_TTL = 300
"""Seconds that a local record may be kept where its text gives no TTL."""


class LocalRecord(NamedTuple):
    """Type, seconds to live, and the RDATA, uncompressed."""

    rtype: int
    ttl: int
    data: bytes
