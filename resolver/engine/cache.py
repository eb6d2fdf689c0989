"""The answer cache: what upstreams said, unfiltered; and which questions failed a moment ago.

What must stay true:
- Policy is applied after the cache, never before it: one VLAN's verdict cannot reach another.
- The octets held stay under the bound; the oldest go first, those that were asked for since
  their turn came last get another.
- An expired entry is never served as fresh. It is served as stale for a day more while
  nobody can be asked (RFC 8767), and asking pauses after a failure (RFC 9520).

Times are in monotonic seconds.
"""

from collections import OrderedDict
from typing import Final

from resolver.dns import codes
from resolver.engine.chain import joined
from resolver.engine.entry import CacheEntry, stale
from resolver.engine.exchange import Failure
from resolver.engine.failure_cache import FailureCache
from resolver.engine.question import UpstreamQuestion, is_key_within

MAX_STALE: Final = 86400
"""Seconds after its end that an entry may still be served as stale."""
FAILURE_PAUSE: Final = 1.0
"""Seconds that a failure is served without asking again (RFC 9520 section 3.2)."""
STALE_PAUSE: Final = 30.0
"""Seconds that a stale answer is served without asking again (RFC 8767 section 5)."""
_CHANCES: Final = 16
"""Entries that may be given another turn before one goes all the same: room is made soon."""
_UPSTREAM_FAILS: Final = Failure(codes.EDE_NO_REACHABLE_AUTHORITY, "the upstream fails")


class AnswerCache:
    """Entries by the key of their question, bounded in octets; and the failure cache."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.bytes = 0
        self.hits = 0
        self.misses = 0
        self.failures = FailureCache()
        self._entries: OrderedDict[bytes, CacheEntry] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: bytes, now: float) -> CacheEntry | None:
        """The entry of a question: a fresh one, or a stale one while its upstream fails."""
        entry = self._entries.get(key)
        if entry is not None and now < entry.expires:
            self.hits += 1
            entry.used = True
            return entry
        self.misses += 1
        if entry is None or self.failures.get(key, now) is None:
            return None
        old = self._stale(key, now)
        return None if old is None else stale(old, now)

    def remember(self, key: bytes, entry: CacheEntry) -> CacheEntry:
        """Keep what an upstream said; the entry for those who wait for it."""
        if entry.rcode in (codes.NOERROR, codes.NXDOMAIN):
            self.put(key, entry)
        elif self._stale(key, entry.dated) is not None:  # a failure replaces no answer
            entry.lifetime = 0
            entry.expires = entry.refresh_after = entry.dated
        else:
            self.put(key, entry)
        return entry

    def serve_stale(
        self, question: UpstreamQuestion, result: CacheEntry | Failure, now: float
    ) -> CacheEntry | Failure:
        """What has come; where that is a failure, the answer that was known before, if any."""
        if isinstance(result, CacheEntry) and result.rcode in (codes.NOERROR, codes.NXDOMAIN):
            return result
        old = self._stale(question.key, now)
        if old is not None:
            failure = result if isinstance(result, Failure) else _UPSTREAM_FAILS
            self.failures.put(question.key, failure, now + STALE_PAUSE, now)
            return stale(old, now)
        if isinstance(result, Failure):
            self.failures.put(question.key, result, now + FAILURE_PAUSE, now)
        return result

    def join(
        self, own: UpstreamQuestion, aliases: CacheEntry, rest: CacheEntry, group: bytes, now: float
    ) -> CacheEntry:
        """Make the chain of a question whole, and keep it: who asks next need not join it again.

        It is kept under the question's own group alone: what another group said (``group`` gave
        ``rest``) may be another thing to another view.
        """
        known = self._entries.get(own.key)
        if known is not None and now < known.expires and not known.unfinished:
            return known
        whole = joined(own.name, own.qtype, aliases, rest, now)
        if group == own.group and not whole.unfinished and whole.rcode != codes.SERVFAIL:
            self.put(own.key, whole)
        return whole

    def put(self, key: bytes, entry: CacheEntry) -> None:
        """Keep an entry that has a lifetime, and drop the oldest beyond the bound."""
        if entry.lifetime <= 0 or entry.size > self.max_bytes:
            return
        entries = self._entries
        if key in entries:
            self._drop(key)
        entries[key] = entry
        self.bytes += entry.size
        chances = _CHANCES
        while self.bytes > self.max_bytes:
            oldest_key, oldest = entries.popitem(last=False)
            if oldest is entry or (oldest.used and chances):
                chances -= 1
                oldest.used = False
                entries[oldest_key] = oldest
            else:
                self.bytes -= oldest.size

    def flush(self, zone: bytes) -> int:
        """Drop a name and all below it, for every type and group; how many entries went."""
        self.failures.clear()
        gone = [key for key in self._entries if is_key_within(key, zone)]
        for key in gone:
            self._drop(key)
        return len(gone)

    def _stale(self, key: bytes, now: float) -> CacheEntry | None:
        """The entry of a question, though it may have expired; never a failure."""
        entry = self._entries.get(key)
        if entry is None or entry.rcode == codes.SERVFAIL:
            return None
        return entry if now < entry.expires + MAX_STALE else None

    def _drop(self, key: bytes) -> None:
        self.bytes -= self._entries.pop(key).size
