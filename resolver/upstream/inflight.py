"""A question on its way to an upstream, and the attempts that were made for it."""

from resolver.engine.admission import Shares
from resolver.engine.exchange import Attempt, Exchange
from resolver.engine.transaction import Forward
from resolver.upstream.tcp_connections import Stream
from resolver.upstream.udp_sockets import Port


class Sent:
    """An attempt that was made."""

    __slots__ = ("attempt", "flight", "ident", "on", "over", "refused")
    __deletable__ = ("attempt", "flight")  # for mypyc

    def __init__(self, flight: "Flight", attempt: Attempt) -> None:
        self.flight = flight
        self.attempt = attempt
        self.on: Port[Sent] | Stream[Sent] | None = None
        self.ident = 0
        self.refused = False
        """Whether it is known that no answer will come."""
        self.over = False
        """Whether its end means nothing any more."""


class Flight:
    """A question on its way: its attempts, and who waits."""

    __slots__ = ("exchange", "sent", "shares", "waiters")

    def __init__(self, exchange: Exchange, shares: Shares | None) -> None:
        self.exchange = exchange
        self.shares = shares
        """What it holds of the admission; a refresh holds nothing."""
        self.sent: list[Sent] = []
        self.waiters: list[tuple[Forward, object]] = []
