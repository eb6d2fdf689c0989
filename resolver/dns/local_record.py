"""A local record."""

from typing import Final, NamedTuple

DEFAULT_TTL: Final = 300
"""The TTL, in seconds, of a local record whose text gives none."""


class LocalRecord(NamedTuple):
    """Type, TTL in seconds, and uncompressed RDATA of a record that this server owns."""

    rtype: int
    ttl: int
    data: bytes
