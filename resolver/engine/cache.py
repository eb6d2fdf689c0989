"""The answer cache, with serve-stale (RFC 8767).

What must stay true:
- The cache holds the responses of upstreams before policy. Policy is applied to each reply, so
  the verdict for one VLAN never reaches another.
- The size stays under its bound. The oldest entry is evicted first; an entry that was used since
  it was last the oldest is kept once more. (A queue of keys beside a plain dict: with an
  OrderedDict, a worker held 33 MB after the hits of the bench instead of 31.)
- Each key of the table is in the queue once.
- An expired entry is never served as fresh. It is served as stale for up to one more day while
  its upstream fails (RFC 8767), unless it is the answer of a filter. After a failure, the upstream
  is not asked again for some time (RFC 9520).

Times are in monotonic seconds.
"""

from collections import deque
from collections.abc import Collection
from typing import Final

from resolver.dns import codes
from resolver.engine.addresses import find_addresses
from resolver.engine.chain import joined
from resolver.engine.failure_cache import FAILURE_PAUSE, FailureCache
from resolver.exchange.entry import CacheEntry, stale
from resolver.exchange.exchange import Exchange
from resolver.exchange.failure import Failure
from resolver.exchange.question import UpstreamQuestion, group_of_key, is_key_within
from resolver.policy.address_ranges import AddressRanges

MAX_STALE: Final = 86400
"""Seconds after its expiry that an entry may be served as stale."""
STALE_PAUSE: Final = 30.0
"""Seconds that a stale answer is served before it is asked again (RFC 8767 section 5)."""
_MAX_SECOND_CHANCES: Final = 16
"""Used entries that one ``put`` may keep once more before it evicts an entry in any case."""
_UPSTREAM_FAILS: Final = Failure(codes.EDE_NO_REACHABLE_AUTHORITY, "the upstream fails")


class AnswerCache:
    """Entries by the key of their question, bounded in octets; with the failure cache."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.bytes = 0
        self.hits = 0
        self.misses = 0
        self.failures = FailureCache()
        self._entries: dict[bytes, CacheEntry] = {}
        self._queue: deque[bytes] = deque()
        """The keys of all entries; the oldest is first."""

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: bytes, now: float) -> CacheEntry | None:
        """The entry for a question: a fresh one, or a stale one while its upstream fails."""
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

    def remember(self, key: bytes, result: CacheEntry | Failure, now: float) -> None:
        """Store the result of an exchange, unless it is a failure and an answer is there.

        An answer that is there is not refreshed again at once. An error of an upstream is kept from
        now on: other servers may have been asked since it was received.
        """
        if isinstance(result, CacheEntry) and result.answers:
            self.failures.discard(key)
            self.put(key, result)
            return
        old = self._stale(key, now)
        if old is not None:
            old.refresh_after = max(old.refresh_after, now + FAILURE_PAUSE)
        elif isinstance(result, CacheEntry):
            result.expires = result.refresh_after = now + result.lifetime
            self.put(key, result)

    def remember_fallback(self, key: bytes, answer: CacheEntry, now: float) -> None:
        """Store the answer of a fallback server, unless a fresh entry is there."""
        existing = self._entries.get(key)
        if existing is None or now >= existing.expires:
            self.failures.discard(key)
            self.put(key, answer)

    def note_failure(self, exchange: Exchange, failure: Failure, now: float) -> None:
        """Store the failure of a round that is over, also if late answers may still come."""
        if failure.is_cached:
            key, at = exchange.question.entry_key, min(exchange.round.over_at, now)
            self.failures.note(key, failure, at, exchange.others_answered())

    def serve_stale(
        self, question: UpstreamQuestion, result: CacheEntry | Failure, now: float
    ) -> CacheEntry | Failure:
        """The result of an exchange; if that is a failure, the stale answer, if there is one."""
        if isinstance(result, CacheEntry) and result.answers:
            return result
        old = self._stale(question.key, now)
        if old is not None:
            failure = result if isinstance(result, Failure) else _UPSTREAM_FAILS
            self.failures.put(question.key, failure, now + STALE_PAUSE, now)
            return stale(old, now)
        return result

    def has_stale(self, key: bytes, now: float) -> bool:
        """Whether there is an answer to serve while the upstream is slow or fails."""
        return self._stale(key, now) is not None

    def join(
        self, question: UpstreamQuestion, aliases: CacheEntry, rest: CacheEntry, group: bytes,
        now: float,
    ) -> CacheEntry:  # fmt: skip
        """Join the rest of a chain to its aliases, and store the whole chain for the next query.

        ``group`` is the upstream group that gave ``rest``. The chain is stored only if this is the
        question's own group: another group may answer other views differently.
        """
        existing = self._entries.get(question.key)
        if existing is not None and now < existing.expires and not existing.unfinished:
            return existing
        whole = joined(question.name, question.qtype, aliases, rest, now)
        if group == question.group and not whole.unfinished and whole.answers:
            self.put(question.key, whole)
        return whole

    def put(self, key: bytes, entry: CacheEntry) -> None:
        """Store an entry that has a lifetime, and evict old entries beyond the bound."""
        if entry.lifetime <= 0 or entry.size > self.max_bytes:
            return
        entries, queue = self._entries, self._queue
        replaced = entries.get(key)
        if replaced is None:
            queue.append(key)
        else:
            self.bytes -= replaced.size
            entry.used = True  # it has the place of the old entry, which may be the oldest
        entries[key] = entry
        self.bytes += entry.size
        self._evict(entry)

    def find_addresses(self, key: bytes, entry: CacheEntry, ranges: AddressRanges | None) -> None:
        """Note in an entry which of these ranges its addresses lie in; ``key`` is its question's.

        An entry that is stored counts with what was noted.
        """
        before = entry.size
        find_addresses(entry, ranges)
        if entry.size != before and self._entries.get(key) is entry:
            self.bytes += entry.size - before
            self._evict(None)

    def _evict(self, newest: CacheEntry | None) -> None:
        """Evict old entries beyond the bound, but never the newest."""
        entries, queue = self._entries, self._queue
        chances = _MAX_SECOND_CHANCES
        while self.bytes > self.max_bytes:
            oldest_key = queue.popleft()
            oldest = entries[oldest_key]
            if oldest is newest or (oldest.used and chances):
                chances -= 1
                oldest.used = False
                queue.append(oldest_key)
            else:
                del entries[oldest_key]
                self.bytes -= oldest.size

    def look(self, key: bytes, now: float) -> CacheEntry | None:
        """The entry for a question, fresh or stale, for people: it does not count as used."""
        entry = self._entries.get(key)
        return None if entry is None or _is_over(entry, now) else entry

    def expire(self, groups: Collection[bytes], now: float) -> None:
        """Let all entries of these upstream groups expire now: other servers are asked for them."""
        for key, entry in self._entries.items():
            if entry.expires > now and group_of_key(key) in groups:
                entry.lifetime -= int(entry.expires - now)
                entry.expires = now

    def flush(self, zone: bytes) -> int:
        """Remove a name and all names below it, for every type and group; the number of entries."""
        self.failures.clear()
        gone = [key for key in self._entries if is_key_within(key, zone)]
        for key in gone:
            self.bytes -= self._entries.pop(key).size
        self._queue = deque([key for key in self._queue if key in self._entries])
        return len(gone)

    def _stale(self, key: bytes, now: float) -> CacheEntry | None:
        """The answer to a question, fresh or stale; never a failure. It counts as used.

        Else new names would evict it while its upstream fails, and the failure would be served.
        """
        entry = self._entries.get(key)
        if entry is None or not entry.answers or _is_over(entry, now):
            return None
        entry.used = True
        return entry


def _is_over(entry: CacheEntry, now: float) -> bool:
    """Whether an entry may not even be served as stale; the answer of a filter never is."""
    return now >= entry.expires + (0 if entry.filter_address else MAX_STALE)
