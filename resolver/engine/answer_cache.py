"""What is known of questions: the cache, and whose upstreams have failed a moment ago.

What must stay true:
- Nothing here has seen a policy; whoever takes an entry from here judges it.
- What was known once is told again while nobody can be asked (RFC 8767), and asking pauses
  for a moment after a failure (RFC 9520).
"""

from dataclasses import replace

from resolver.dns import codes
from resolver.engine.cache import Cache, Key
from resolver.engine.entry import Entry, joined, stale
from resolver.engine.exchange import Failure
from resolver.engine.failures import MOMENT, RECHECK, Failures

_UPSTREAM_FAILS = Failure(codes.EDE_NO_REACHABLE_AUTHORITY, "the upstream fails")


class Known:
    """The cache and the failures of one worker; ``now`` is always in monotonic seconds."""

    def __init__(self, cache: Cache) -> None:
        self.cache = cache
        self.failures = Failures()

    def get(self, key: Key, now: float) -> Entry | None:
        """What there is: fresh, or stale while the upstream is known to fail."""
        kept = self.cache.get(key, now)
        if kept is None and self.failures.get(key, now) is not None:
            old = self.cache.stale(key, now)
            return None if old is None else stale(old, now)
        return kept

    def remember(self, key: Key, kept: Entry, now: float) -> Entry:
        """Put what an upstream said into the cache, once for all who wait for it."""
        good = kept.rcode in (codes.NOERROR, codes.NXDOMAIN)
        if not good and self.cache.stale(key, now) is not None:
            return replace(kept, lifetime=0)  # a failure does not push out what was known
        self.cache.put(key, kept)
        return kept

    def instead(self, key: Key, result: Entry | Failure, now: float) -> Entry | Failure:
        """What has come; where that is a failure, what was known before if anything was."""
        if isinstance(result, Entry) and result.rcode in (codes.NOERROR, codes.NXDOMAIN):
            return result
        old = self.cache.stale(key, now)
        if old is not None:
            failure = result if isinstance(result, Failure) else _UPSTREAM_FAILS
            self.failures.remember(key, failure, now + RECHECK)
            return stale(old, now)
        if isinstance(result, Failure):
            self.failures.remember(key, result, now + MOMENT)
        return result

    def joined(self, key: Key, aliases: Entry, more: Entry, group: str, now: float) -> Entry:
        """The chain of a question made whole, and kept: who asks next need not join it again.

        It is kept under the question's own group alone: what another group said (``group``
        is whom ``more`` is from) may be another thing to another view.
        """
        known = self.cache.stale(key, now)
        if known is not None and not known.unfinished and now - known.stored < known.lifetime:
            return known
        whole = joined(aliases, more, now)
        if group == key.group and not whole.unfinished and whole.rcode != codes.SERVFAIL:
            self.cache.put(key, whole)
        return whole
