"""A query in flight: the exchange about a question, its attempts, and the waiting replies."""

import math

from resolver.engine.admission import Shares
from resolver.engine.exchange import Attempt, Exchange
from resolver.engine.question import UpstreamQuestion
from resolver.engine.result import PendingReply
from resolver.engine.servers import Group, Server
from resolver.upstream.tcp_connections import TcpConnection
from resolver.upstream.udp_sockets import UdpSocket


class UpstreamAttempt(Attempt):
    """An attempt, with its ID and the socket or connection on which it waits for its answer."""

    __slots__ = ("failed", "ident", "inflight", "previous", "waits_on")

    def __init__(
        self,
        server: Server,
        stream: bool,
        message: bytes,
        began: float,
        until: float,
        inflight: "InflightQuery",
    ) -> None:
        super().__init__(server, stream, message, began, until)
        self.inflight = inflight
        self.ident = 0
        self.waits_on: UdpSocket[UpstreamAttempt] | TcpConnection[UpstreamAttempt] | None = None
        """None if it does not wait, or no longer."""
        self.failed = False
        """Whether no answer can come: it was not sent, or was refused."""
        self.previous: UpstreamAttempt | None = None
        """The attempt before this one, which may still be answered."""


class InflightQuery(Exchange):
    """A query in flight: its attempts, and the replies that wait for it."""

    __slots__ = ("deadline", "last", "shares", "waiters")

    def __init__(
        self, question: UpstreamQuestion, group: Group, now: float, shares: Shares | None
    ) -> None:
        super().__init__(question, group, now)
        self.shares = shares
        """Its shares of the admission; None for a refresh, which has none."""
        self.waiters: list[PendingReply] = []
        self.last: UpstreamAttempt | None = None
        """The attempt that was sent last."""
        self.deadline = math.inf
        """When the time of this attempt is over."""

    def clear(self) -> None:
        """Drop the attempts, which refer to this query, so that reference counting frees all."""
        self.last = self._latest = None

    def new_attempt(
        self, server: Server, stream: bool, message: bytes, now: float, until: float
    ) -> Attempt:
        """Make an attempt that refers to this query."""
        return UpstreamAttempt(server, stream, message, now, until, self)
