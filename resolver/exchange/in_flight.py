"""A query in flight: an exchange, the attempts that it has sent, and the replies that wait for it.

What waits may be anything that has a VLAN and a time (``Waiter``); a driver has its own kind.
"""

from math import inf
from typing import Final, Generic, Protocol, TypeVar

from resolver.exchange.admission import Shares
from resolver.exchange.attempt import Attempt
from resolver.exchange.exchange import Exchange
from resolver.exchange.question import UpstreamQuestion

WAITERS: Final = 1000
"""Replies that may wait for one query in flight; one more crowds out one of the VLAN with most."""


class Waiter(Protocol):
    """A reply that waits for an upstream."""

    received: float
    """When its query was received (monotonic seconds)."""
    vlan: int
    """The index of the VLAN of its client."""


Waiting = TypeVar("Waiting", bound=Waiter)


class AttemptChannel(Protocol):
    """A socket or a connection on which attempts wait for their answers."""

    @property
    def progress_at(self) -> float:
        """When a connection was made, or received anything, last; 0 for a socket for UDP."""

    def stop_waiting(self, ident: int) -> object:
        """Wait no longer for the answer with this ID."""

    def keep_late(self, ident: int, began: float) -> None:
        """Wait for a late answer to an attempt that was sent at ``began``."""


class SentAttempt(Generic[Waiting]):
    """An attempt of a query in flight, and the channel on which it waits for its answer."""

    __slots__ = ("attempt", "channel", "ident", "query", "vlan")

    def __init__(self, attempt: Attempt, query: "QueryInFlight[Waiting]") -> None:
        self.attempt = attempt
        self.query = query
        """A probe may outlive its query."""
        self.vlan = query.vlan
        """The VLAN that it was made for."""
        self.ident = 0
        self.channel: AttemptChannel | None = None
        """None if it does not wait, or no longer."""


class QueryInFlight(Generic[Waiting]):
    """An exchange that goes on, and who waits for it."""

    __slots__ = (
        "_by_vlan",
        "deadline",
        "exchange",
        "look_at",
        "sent",
        "shares",
        "vlan",
        "waiters",
    )

    def __init__(self, question: UpstreamQuestion) -> None:
        self.exchange = Exchange(question)
        self.shares: Shares | None = None
        """Its shares of the admission; None for a refresh, and while only late answers may come."""
        self.vlan = -1
        """The index of the VLAN whose client has begun the round; -1 for a refresh."""
        self.waiters: list[Waiting] = []
        self._by_vlan: dict[int, int] | None = None
        """How many of these each VLAN has; counted only where too many wait."""
        self.sent: list[SentAttempt[Waiting]] = []
        """The attempts that can be answered, in the order in which they were sent."""
        self.deadline = inf
        """When the time of the current attempt is over."""
        self.look_at = inf
        """When to look at the waiting replies."""

    def wait(self, reply: Waiting) -> Waiting | None:
        """Add a reply that waits: the reply that waits no longer if they are too many, else None.

        The time of its client may be over once a stale answer may go.
        """
        self.waiters.append(reply)
        self.look_at = min(self.look_at, self.exchange.round.stale_at)
        return self._crowded_out(reply) if len(self.waiters) > WAITERS else None

    def _crowded_out(self, newest: Waiting) -> Waiting:
        """Remove the newest reply of the VLAN that has most."""
        waiters, counts, uncounted = self.waiters, self._by_vlan, [newest]
        if counts is None:
            counts, uncounted = {}, waiters
            self._by_vlan = counts
        for waiter in uncounted:
            counts[waiter.vlan] = counts.get(waiter.vlan, 0) + 1
        most = max(counts, key=counts.__getitem__)
        counts[most] -= 1
        at = len(waiters) - 1
        while waiters[at].vlan != most:
            at -= 1
        return waiters.pop(at)

    def take_due(self, stale: bool, now: float) -> list[Waiting]:
        """Remove the replies whose time is over, as the round says; set when to look again."""
        current, self._by_vlan = self.exchange.round, None
        patience, due, left, look_at = current.patience(stale, now), [], [], inf
        for waiter in self.waiters:
            until = min(waiter.received + patience, current.wait_until)
            if until <= now:
                due.append(waiter)
            else:
                left.append(waiter)
                look_at = min(look_at, until)
        self.waiters = left
        self.look_at = current.stale_at if now < current.stale_at < look_at else look_at
        return due

    def end(self) -> list[Waiting]:
        """End: no time counts any more. The replies that waited."""
        self.deadline = self.look_at = inf
        waiters, self.waiters = self.waiters, []
        return waiters
