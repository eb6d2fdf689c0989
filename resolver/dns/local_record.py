"""Local records, and the names that have them."""

from dataclasses import dataclass
from typing import Final, NamedTuple

DEFAULT_TTL: Final = 300
"""The TTL, in seconds, of a local record whose text gives none."""


class LocalRecord(NamedTuple):
    """Type, TTL in seconds, and uncompressed RDATA of a record that this server owns."""

    rtype: int
    ttl: int
    data: bytes


@dataclass(frozen=True, slots=True)
class LocalName:
    """A name with local records."""

    name: bytes
    records: tuple[LocalRecord, ...]
