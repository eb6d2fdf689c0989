"""What the engine makes of a packet: a reply, a reply that waits for an upstream, or silence."""

from typing import Protocol

from resolver.dns.query import Query
from resolver.engine.client import Client
from resolver.engine.entry import CacheEntry
from resolver.engine.labels import LabelledCounter
from resolver.engine.question import UpstreamQuestion
from resolver.policy.verdict import Verdict


class Reply:
    """A reply to send."""

    __slots__ = ("counter", "packet", "refresh")

    def __init__(self, packet: bytes, counter: LabelledCounter) -> None:
        self.packet = packet
        self.counter = counter
        self.refresh: UpstreamQuestion | None = None
        """A question to ask anew, since its entry is in use and near its end."""


class Drop:
    """No reply."""

    __slots__ = ("counter",)

    def __init__(self, counter: LabelledCounter) -> None:
        self.counter = counter


class ReplySender(Protocol):
    """Where a packet came in, and its reply goes out."""

    def send(self, packet: bytes, to: object, received: float) -> None:
        """Send a reply to where its query came from; it came at ``received``."""

    def done(self) -> None:
        """Nothing more will be sent for a query."""


class PendingReply:
    """A query that policy does not block by its name, and that waits for an upstream."""

    __slots__ = (
        *("chain", "client", "generation", "own", "query", "question", "received", "sender"),
        *("to", "verdict"),
    )

    def __init__(
        self, client: Client, query: Query, verdict: Verdict, own: UpstreamQuestion,
        generation: int, received: float,
    ) -> None:  # fmt: skip
        self.client = client
        self.query = query
        self.verdict = verdict
        """What policy says of the query's name."""
        self.own = own
        """The query's own question."""
        self.question = own
        """What is asked now: the own question, or the target of its unfinished chain."""
        self.generation = generation
        """When policy was asked; under a later one it is asked again."""
        self.received = received
        """When the query came (monotonic seconds): all links of a chain share one patience."""
        self.chain: CacheEntry | None = None
        """The aliases that have led to the question that is asked now."""
        self.sender: ReplySender | None = None
        """Who sends the reply; set by the transport."""
        self.to: object = None
        """Whom the sender sends it to."""
