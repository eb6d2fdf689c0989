"""Rate limits: a token bucket for each client prefix, /24 or /56.

Clients of a VLAN have a high rate, which only a loop or an attack exceeds. Unknown clients (in no
VLAN) have a low rate: enough to get REFUSED and to be counted.
"""

from typing import Final

from resolver.policy.prefixes import client_prefix

UNKNOWN_RATE: Final = 20.0
"""Queries a second from a prefix of unknown clients."""
_BURST: Final = 2.0
"""The tokens of a full bucket, in seconds of its rate."""
_MAX_BUCKETS: Final = 16384
"""Buckets of known clients, and of unknown clients; one more clears them all."""


class Clock:
    """The time of the last ``set_time``, in monotonic seconds: to read a clock costs more."""

    __slots__ = ("now",)

    def __init__(self) -> None:
        self.now = 0.0


class Bucket:
    """The tokens of a client prefix. Each query takes one; an empty bucket is refilled by time."""

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


class Limits:
    """The buckets of all prefixes. Unknown clients cannot evict the buckets of known clients."""

    def __init__(self, rate: float) -> None:
        """``rate``: queries a second for each prefix of known clients."""
        self._clock = Clock()
        self._rates = {True: rate, False: UNKNOWN_RATE}
        self._buckets: dict[bool, dict[bytes, Bucket]] = {True: {}, False: {}}

    def bucket(self, address: bytes, known: bool) -> Bucket:
        """The bucket of a client's prefix."""
        buckets = self._buckets[known]
        prefix = client_prefix(address)
        bucket = buckets.get(prefix)
        if bucket is None:
            if len(buckets) >= _MAX_BUCKETS:
                buckets.clear()
            bucket = buckets[prefix] = Bucket(self._rates[known], self._clock)
        return bucket

    def set_time(self, now: float) -> None:
        """Set the time for all buckets; ``now`` is in monotonic seconds."""
        self._clock.now = now
