"""A query and its reply, as values: where it comes from, what is asked, what becomes of it.

``query`` makes these and the edges carry them out; nothing here does anything.
"""

from typing import NamedTuple

from resolver.dns.query import Query
from resolver.engine.cache import Key
from resolver.engine.entry import Entry
from resolver.engine.labels import Counted, Tally
from resolver.engine.prepared import Shelf
from resolver.engine.usual import Form
from resolver.policy.limits import Bucket
from resolver.policy.verdict import Verdict
from resolver.policy.view import View

UNKNOWN_VLAN = -1
"""The VLAN of a client that no VLAN holds, in tallies."""


class Source(NamedTuple):
    """Where a query comes from."""

    address: str
    stream: bool
    """Whether it came over TCP, which has no limit of its own to a reply's size."""


class Reply(NamedTuple):
    """An answer to send."""

    packet: bytes
    tally: Tally
    refresh: Key | None = None
    """A question to ask anew, since its entry is wanted and near its end."""


AtOnce = tuple[bytes, Counted]
"""A whole reply, and how it is counted: a bare tuple, since one is made for most queries."""


class Drop(NamedTuple):
    """Silence."""

    tally: Tally


class Asked(NamedTuple):
    """A question that policy does not block by its name, and who asks it."""

    query: Query
    source: Source
    view: View
    verdict: Verdict
    """What policy says of the query's name."""
    group: str
    """Whom to ask."""
    form: Form | None = None
    """What it has in common with other queries, where that is known."""


class Forward(NamedTuple):
    """A question that only an upstream can answer."""

    asked: Asked
    key: Key
    """What to ask: the query's question, or the target of its unfinished chain."""
    generation: int
    """When policy was asked; under a later one it is asked again."""
    began: float
    """When the query came (monotonic seconds): patience is for all links of a chain together."""
    chain: Entry | None = None
    """The aliases that have led to that target."""


class Client:
    """What is known of an address over a transport.

    Its view, what it may still ask, and the prepared answers that are its view's.
    """

    __slots__ = ("bucket", "shelf", "source", "view")

    def __init__(self, source: Source, view: View | None, bucket: Bucket, shelf: Shelf) -> None:
        self.source = source
        self.view = view
        self.bucket = bucket
        self.shelf = shelf
