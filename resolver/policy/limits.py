"""How many queries a client prefix may ask: a token bucket for each /24 and /56.

Clients of a VLAN have a wide one, which only a loop or an attack can empty; those that no
VLAN knows share a small one by prefix, enough to be told REFUSED and to be counted.
"""

from resolver.policy.prefixes import client_prefix

UNKNOWN_RATE = 20.0
"""Queries a second from a prefix of unknown clients."""
_BURST = 2.0
"""Seconds of its rate that a bucket holds."""
_FILL_EVERY = 0.25
"""Seconds between two fillings; buckets are many."""
_BUCKETS = 16384
"""Buckets kept; when there are more they start anew."""


class Bucket:
    """Tokens of a prefix; filled again from time to time, taken one a query."""

    __slots__ = ("left", "rate")

    def __init__(self, rate: float) -> None:
        self.rate = rate
        self.left = rate * _BURST

    def take(self) -> bool:
        """Take a token; False where there is none."""
        if self.left < 1:
            return False
        self.left -= 1
        return True

    def fill(self, seconds: float) -> None:
        """Give back what so many seconds are worth."""
        self.left = min(self.left + self.rate * seconds, self.rate * _BURST)


class Limits:
    """The buckets of all prefixes."""

    def __init__(self, rate: float) -> None:
        """``rate`` is in queries a second for each prefix of known clients."""
        self._rate = rate
        self._filled = 0.0
        self._buckets: dict[tuple[bool, bytes], Bucket] = {}

    def bucket(self, address: str, known: bool) -> Bucket:
        """The bucket of a client's prefix."""
        key = (known, client_prefix(address))
        bucket = self._buckets.get(key)
        if bucket is None:
            if len(self._buckets) >= _BUCKETS:
                self._buckets.clear()
            rate = self._rate if known else UNKNOWN_RATE
            bucket = self._buckets[key] = Bucket(rate)
        return bucket

    def fill(self, now: float) -> None:
        """Let every bucket fill; ``now`` is in monotonic seconds."""
        seconds = now - self._filled
        if seconds >= _FILL_EVERY:
            self._filled = now
            for bucket in self._buckets.values():
                bucket.fill(seconds)
