"""A question on its way to an upstream, and the attempts that were made for it."""

import math

from resolver.engine.admission import Shares
from resolver.engine.exchange import Attempt, Exchange
from resolver.engine.question import UpstreamQuestion
from resolver.engine.result import PendingReply
from resolver.engine.servers import Group, Server
from resolver.upstream.tcp_connections import TcpConnection
from resolver.upstream.udp_sockets import UdpSocket


class UpstreamAttempt(Attempt):
    """A query that was sent, and the socket that its answer is awaited on."""

    __slots__ = ("before", "ident", "inflight", "on", "refused")

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
        self.on: UdpSocket[UpstreamAttempt] | TcpConnection[UpstreamAttempt] | None = None
        """Where its answer is awaited."""
        self.refused = False
        """Whether it is known that no answer will come."""
        self.before: UpstreamAttempt | None = None
        """The attempt that was made before this one, which is still listened to."""


class InflightQuery(Exchange):
    """A question on its way: its attempts, and the replies that wait for it."""

    __slots__ = ("deadline", "last", "shares", "waiters")

    def __init__(
        self, question: UpstreamQuestion, group: Group, now: float, shares: Shares | None
    ) -> None:
        super().__init__(question, group, now)
        self.shares = shares
        """What it holds of the admission; a refresh holds nothing."""
        self.waiters: list[PendingReply] = []
        self.last: UpstreamAttempt | None = None
        """The attempt that was sent last."""
        self.deadline = math.inf
        """When the time of that attempt is over."""

    def clear(self) -> None:
        """Drop the attempts, which hold this query: reference counting then frees them all."""
        self.last = self._latest = None

    def new_attempt(
        self, server: Server, stream: bool, message: bytes, now: float, until: float
    ) -> Attempt:
        """Make an attempt that knows its query."""
        return UpstreamAttempt(server, stream, message, now, until, self)
