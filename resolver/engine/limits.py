"""Rate limits: a token bucket for each client address, inside a bucket for its prefix (/24 or /64).

Only a loop or an attack exceeds the rate of an address. The bucket of the prefix bounds what many
addresses, which may be forged, can send together. Unknown clients (in no VLAN) have a low rate:
enough to get REFUSED and to be counted.

What must stay true:
- Two VLANs never share a bucket, nor do UDP and TCP: a sender of forged UDP packets takes nothing
  from the queries that its victim sends over TCP.
- The memory is bounded, and unknown clients cannot evict the buckets of known clients.
"""

import math
from collections.abc import Sequence
from typing import Final

from resolver.policy.prefixes import client_prefix

UNKNOWN_RATE: Final = 20.0
"""Queries a second from a prefix of unknown clients."""
_BURST: Final = 2.0
"""The tokens of a full bucket, in seconds of its rate."""
_MAX_BUCKETS: Final = 16384
"""Buckets of prefixes of known clients, and of unknown clients; one more clears them all."""


class Clock:
    """The time of the last ``set_time``, in monotonic seconds: to read a clock costs more."""

    __slots__ = ("now",)

    def __init__(self) -> None:
        self.now = 0.0


class Bucket:
    """The tokens of clients. Each query takes one; an empty bucket is refilled by time."""

    __slots__ = ("_clock", "_rate", "_refilled_at", "tokens")

    def __init__(self, rate: float, clock: Clock) -> None:
        self.tokens = rate * _BURST
        self._rate = rate
        self._clock = clock
        self._refilled_at = clock.now

    def take(self) -> bool:
        """Take a token; False if there is none."""
        if self.tokens < 1 and not self.refill():
            return False
        self.tokens -= 1
        return True

    def refill(self) -> bool:
        """Add the tokens of the time since the last refill; False if that is less than one."""
        now = self._clock.now
        tokens = self.tokens + self._rate * (now - self._refilled_at)
        if tokens < 1:
            return False
        self.tokens = min(tokens, self._rate * _BURST)
        self._refilled_at = now
        return True


class Buckets:
    """Buckets of one rate, each for whatever its key stands for."""

    __slots__ = ("_by_key", "_clock", "_most", "_rate")

    def __init__(self, rate: float, clock: Clock, most: int) -> None:
        """Where there are ``most`` buckets, one more clears them all."""
        self._rate = rate
        self._clock = clock
        self._most = most
        self._by_key: dict[object, Bucket] = {}

    def of(self, key: object) -> Bucket:
        """The bucket of a key."""
        bucket = self._by_key.get(key)
        if bucket is None:
            if len(self._by_key) >= self._most:
                self._by_key.clear()
            bucket = self._by_key[key] = Bucket(self._rate, self._clock)
        return bucket


class ClientLimit:
    """The two buckets of one client."""

    __slots__ = ("_of_address", "_of_prefix", "_over")

    def __init__(self, of_address: Bucket, of_prefix: Bucket) -> None:
        self._of_address = of_address
        self._of_prefix = of_prefix
        self._over = 0
        """Queries over the limit."""

    def take(self) -> bool:
        """Take a token of both buckets; False, and none is taken, if one has none."""
        address, prefix = self._of_address, self._of_prefix
        if (address.tokens < 1 and not address.refill()) or (
            prefix.tokens < 1 and not prefix.refill()
        ):
            self._over += 1
            return False
        address.tokens -= 1
        prefix.tokens -= 1
        return True

    @property
    def slips(self) -> bool:
        """Whether the last query over the limit gets a truncated reply: every second one does.

        BIND, Knot and NSD call this slip.
        """
        return self._over & 1 == 0


class Limits:
    """The limits of all clients."""

    def __init__(self, rates: Sequence[int], prefix_rate: int) -> None:
        """Set the queries a second: for each address, by VLAN, and for each prefix."""
        self._clock = Clock()
        self._rates = rates
        self._known = Buckets(prefix_rate, self._clock, _MAX_BUCKETS)
        self._unknown = Buckets(UNKNOWN_RATE, self._clock, _MAX_BUCKETS)

    def of_client(self, address: bytes, vlan: int, stream: bool) -> ClientLimit:
        """The limit of a client in a VLAN. The caller keeps it as long as it keeps the client."""
        bucket = Bucket(self._rates[vlan], self._clock)
        return ClientLimit(bucket, self._known.of((vlan, client_prefix(address), stream)))

    def of_unknown(self, address: bytes) -> ClientLimit:
        """The limit of a client in no VLAN: that of its prefix."""
        bucket = Bucket(UNKNOWN_RATE, self._clock)
        return ClientLimit(bucket, self._unknown.of(client_prefix(address)))

    def set_time(self, now: float) -> None:
        """Set the time for all buckets; ``now`` is in monotonic seconds."""
        self._clock.now = now


UNLIMITED: Final = ClientLimit(Bucket(math.inf, Clock()), Bucket(math.inf, Clock()))
"""The limit of a query that no client has sent."""
