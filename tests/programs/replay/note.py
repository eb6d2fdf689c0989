"""What a replay notes of each packet, and what a tree's adapter answers with."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

Labels = tuple[str, str, str, int, int]
"""As a query is counted: VLAN, outcome, service, rcode, type."""


class Answered(NamedTuple):
    """A reply."""

    octets: bytes
    labels: Labels
    refresh: Any = None
    """The key of a question to ask anew, if there is one."""


class Silent(NamedTuple):
    """No reply."""

    labels: Labels


class Waits(NamedTuple):
    """An upstream has to be asked."""

    key: Any
    token: Any
    """What the tree concludes with, once there is an answer."""
    began: float | None = None
    """When the query came, if this is a later link of a chain."""


@dataclass(slots=True)
class Note:
    """One packet and all that came of it."""

    who: str
    packet: bytes
    began: float = 0.0
    ended: float = 0.0
    replies: list[bytes] = field(default_factory=list)
    labels: list[Any] = field(default_factory=list)
    asked: list[tuple[float, str, str, bytes]] = field(default_factory=list)
    """When which server was asked over what with what."""
    observed: list[tuple[Any, ...]] = field(default_factory=list)
    """What the block log, the record and the count of unknown clients were given."""
    open: int = 0
    """Questions that are still on their way because of it."""
