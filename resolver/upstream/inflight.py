"""A query in flight: the exchange about a question, its attempts, and the waiting replies."""

from collections.abc import Iterator
from math import inf
from typing import cast

from resolver.engine.result import PendingReply
from resolver.exchange.admission import WAITERS, Shares
from resolver.exchange.attempt import Attempt
from resolver.exchange.exchange import NONE_LATE, Exchange, Step
from resolver.exchange.question import UpstreamQuestion
from resolver.exchange.servers import Group, Server
from resolver.policy.view import View
from resolver.upstream.tcp_connections import TcpConnection
from resolver.upstream.udp_sockets import UdpSocket


class UpstreamAttempt(Attempt):
    """An attempt, with its ID and the socket or connection on which it waits for its answer."""

    __slots__ = ("failed", "ident", "inflight", "is_probe", "vlan", "waits_on")

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
        self.vlan = inflight.vlan
        """The VLAN that it is made for."""
        self.ident = 0
        self.waits_on: UdpSocket[UpstreamAttempt] | TcpConnection[UpstreamAttempt] | None = None
        """None if it does not wait, or no longer."""
        self.failed = False
        """Whether no answer can come: it was not sent, or was refused."""
        self.is_probe = False
        """Whether its answer only says that its server answers; it may outlive its query."""


class InflightQuery(Exchange):
    """A query in flight: its attempts, and the replies that wait for it."""

    __slots__ = ("_by_vlan", "deadline", "last", "look_at", "shares", "vlan", "waiters")

    def __init__(
        self, question: UpstreamQuestion, group: Group, now: float, shares: Shares | None, vlan: int
    ) -> None:
        super().__init__(question, group, now)
        self.vlan = vlan
        """The index of the VLAN whose client has begun the round; -1 for a refresh."""
        self.shares = shares
        """Its shares of the admission; None for a refresh, and while only late answers may come."""
        self.waiters: list[PendingReply] = []
        self._by_vlan: dict[int, int] | None = None
        """How many of these each VLAN has; counted only where too many wait."""
        self.last: UpstreamAttempt | None = None
        """The attempt that was sent last."""
        self.deadline = inf
        """When the time of this attempt is over."""
        self.look_at = inf
        """When to look at the waiting replies."""

    def begin_round(self, group: Group, shares: Shares | None, vlan: int, now: float) -> Step:
        """Begin the next round for a VLAN, with shares of the admission."""
        self.vlan = vlan
        step = self.begin_again(group, now)
        self.shares = shares
        return step

    def wait(self, pending: PendingReply) -> PendingReply | None:
        """Add a reply that waits: the reply that waits no longer if they are too many, else None.

        The time of its client may be over once a stale answer may go.
        """
        self.waiters.append(pending)
        if self.stale_at < self.look_at:
            self.look_at = self.stale_at
        return self._crowded_out(pending) if len(self.waiters) > WAITERS else None

    def _crowded_out(self, latest: PendingReply) -> PendingReply:
        """Remove the newest reply of the VLAN that has most."""
        waiters, counts, uncounted = self.waiters, self._by_vlan, [latest]
        if counts is None:
            counts, uncounted = {}, waiters
            self._by_vlan = counts
        for each in uncounted:
            counts[vlan_of(each)] = counts.get(vlan_of(each), 0) + 1
        most = max(counts, key=counts.__getitem__)
        counts[most] -= 1
        at = len(waiters) - 1
        while vlan_of(waiters[at]) != most:
            at -= 1
        return waiters.pop(at)

    def take_due(self, stale: bool, now: float) -> list[PendingReply]:
        """Remove the replies whose time is over, as ``patience`` says; set when to look again."""
        patience = self.patience(stale, now)
        self._by_vlan = None
        due = [each for each in self.waiters if each.received + patience <= now]
        self.waiters = [each for each in self.waiters if each.received + patience > now]
        self.look_at = min([each.received + patience for each in self.waiters], default=inf)
        if now < self.stale_at < self.look_at:
            self.look_at = self.stale_at
        return due

    def clear(self) -> None:
        """Drop the attempts, which refer to this query, so that reference counting frees all."""
        self.last = self.latest = None
        self.late = NONE_LATE
        self.deadline = self.look_at = inf

    def new_attempt(
        self, server: Server, stream: bool, message: bytes, now: float, until: float
    ) -> Attempt:
        """Make an attempt that refers to this query."""
        return UpstreamAttempt(server, stream, message, now, until, self)


def vlan_of(pending: PendingReply) -> int:
    """The index of the VLAN of the client; one in no VLAN has no pending reply."""
    return cast("View", pending.client.view).vlan


Udp = UdpSocket[UpstreamAttempt]
Tcp = TcpConnection[UpstreamAttempt]


def still_waiting(
    waits_on: Udp | Tcp, attempts: list[UpstreamAttempt]
) -> Iterator[UpstreamAttempt]:
    """The attempts that still wait there: a step of one exchange may end the waiting of others."""
    for attempt in attempts:
        if attempt.waits_on is waits_on:
            yield attempt
