"""How many queries a client prefix may ask: a token bucket for each /24 and /56.

Clients of a VLAN have a wide one, which only a loop or an attack can empty; those that no
VLAN knows share a small one by prefix, enough to be told REFUSED and to be counted.
"""

from resolver.policy.prefixes import client_prefix

UNKNOWN_RATE = 20.0
"""Queries a second from a prefix of unknown clients."""
_BURST = 2.0
"""Seconds of its rate that a bucket holds."""
_BUCKETS = 16384
"""Buckets kept; when there are more they start anew."""


class Bucket:
    """Tokens that come back with time; ``now`` is in monotonic seconds."""

    __slots__ = ("_filled", "_rate", "_tokens")

    def __init__(self, rate: float, now: float) -> None:
        self._rate = rate
        self._tokens = rate * _BURST
        self._filled = now

    def take(self, now: float) -> bool:
        """Take a token; False where there is none."""
        tokens = self._tokens
        if now > self._filled:
            tokens = min(tokens + (now - self._filled) * self._rate, self._rate * _BURST)
            self._filled = now
        if tokens < 1:
            self._tokens = tokens
            return False
        self._tokens = tokens - 1
        return True


class Limits:
    """The buckets of all prefixes."""

    def __init__(self, rate: float) -> None:
        """``rate`` is in queries a second for each prefix of known clients."""
        self._rate = rate
        self._buckets: dict[tuple[bool, bytes], Bucket] = {}

    def bucket(self, address: str, known: bool, now: float) -> Bucket:
        """The bucket of a client's prefix."""
        key = (known, client_prefix(address))
        bucket = self._buckets.get(key)
        if bucket is None:
            if len(self._buckets) >= _BUCKETS:
                self._buckets.clear()
            rate = self._rate if known else UNKNOWN_RATE
            bucket = self._buckets[key] = Bucket(rate, now)
        return bucket
