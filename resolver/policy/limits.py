"""How many queries a client prefix may ask: a token bucket for each /24 and /56.

Clients of a VLAN have a wide one, which only a loop or an attack can empty; those that no
VLAN knows share a small one by prefix, enough to be told REFUSED and to be counted.
"""

from typing import Final

from resolver.policy.prefixes import client_prefix

UNKNOWN_RATE: Final = 20.0
"""Queries a second from a prefix of unknown clients."""
_BURST: Final = 2.0
"""Seconds of its rate that a bucket holds."""
_BUCKETS: Final = 16384
"""Buckets kept of either kind; when there are more they start anew."""


class Clock:
    """The time as it was last told, in monotonic seconds: asking for it costs more than a token."""

    __slots__ = ("now",)

    def __init__(self) -> None:
        self.now = 0.0


class Bucket:
    """Tokens of a prefix: one is taken a query, and when there are none time has given more."""

    __slots__ = ("_clock", "_filled", "_rate", "left")

    def __init__(self, rate: float, clock: Clock) -> None:
        self.left = rate * _BURST
        self._rate = rate
        self._clock = clock
        self._filled = clock.now

    def take(self) -> bool:
        """Take a token; False where there is none."""
        if self.left < 1 and not self.fill():
            return False
        self.left -= 1
        return True

    def fill(self) -> bool:
        """Put in what time has given since; False where that makes no token yet."""
        now = self._clock.now
        left = self.left + self._rate * (now - self._filled)
        if left < 1:
            return False
        self.left = min(left, self._rate * _BURST)
        self._filled = now
        return True


class Limits:
    """The buckets of all prefixes; strangers cannot push out those of known clients."""

    def __init__(self, rate: float) -> None:
        """``rate`` is in queries a second for each prefix of known clients."""
        self._clock = Clock()
        self._rates = {True: rate, False: UNKNOWN_RATE}
        self._buckets: dict[bool, dict[bytes, Bucket]] = {True: {}, False: {}}

    def bucket(self, address: bytes, known: bool) -> Bucket:
        """The bucket of a client's prefix."""
        buckets = self._buckets[known]
        prefix = client_prefix(address)
        bucket = buckets.get(prefix)
        if bucket is None:
            if len(buckets) >= _BUCKETS:
                buckets.clear()
            bucket = buckets[prefix] = Bucket(self._rates[known], self._clock)
        return bucket

    def tell(self, now: float) -> None:
        """Say what time it is; ``now`` is in monotonic seconds."""
        self._clock.now = now
