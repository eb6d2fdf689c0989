"""The result for a packet: a reply, a reply that waits for an upstream, or no reply."""

from typing import Protocol

from resolver.dns.query import Query
from resolver.engine.client import Client
from resolver.engine.labels import LabelledCounter
from resolver.exchange.entry import CacheEntry
from resolver.exchange.question import UpstreamQuestion
from resolver.policy.verdict import Verdict


class Reply:
    """A reply to send."""

    __slots__ = ("counter", "packet", "refresh")

    def __init__(self, packet: bytes, counter: LabelledCounter) -> None:
        self.packet = packet
        self.counter = counter
        self.refresh: UpstreamQuestion | None = None
        """A question to ask again for the cache: its entry is in use and expires soon."""


class Drop:
    """No reply: the packet is dropped."""

    __slots__ = ("counter",)

    def __init__(self, counter: LabelledCounter) -> None:
        self.counter = counter


class ReplySender(Protocol):
    """The transport that received a packet and sends its reply."""

    def destination(self, to: object) -> object:
        """What identifies a client after its packet was handled."""

    def send(self, packet: bytes, to: object, received: float) -> None:
        """Send a reply; its query was received at ``received``, and is done."""

    def done(self) -> None:
        """Note that a query is done without a reply."""


class PendingReply:
    """A query that waits for an upstream. Policy does not block the name of its question."""

    __slots__ = (
        "chain",
        "client",
        "client_question",
        "generation",
        "query",
        "question",
        "received",
        "sender",
        "to",
        "verdict",
        "vlan",
    )

    def __init__(
        self, client: Client, query: Query, verdict: Verdict, question: UpstreamQuestion,
        generation: int, received: float, vlan: int,
    ) -> None:  # fmt: skip
        self.client = client
        self.vlan = vlan
        """The index of the client's VLAN."""
        self.query = query
        self.verdict = verdict
        """The verdict on the name of the question."""
        self.client_question = question
        """The question of the query."""
        self.question = question
        """The question in flight: that of the query, or one for the target of an alias."""
        self.generation = generation
        """The generation of the verdict. In a later generation the verdict is made again."""
        self.received = received
        """When the query was received (monotonic seconds). All links of a chain share one limit."""
        self.chain: CacheEntry | None = None
        """The aliases before the question in flight."""
        self.sender: ReplySender | None = None
        """The transport that sends the reply; ``QueryHandler`` sets it."""
        self.to: object = None
        """The client, in the form that the sender needs."""
