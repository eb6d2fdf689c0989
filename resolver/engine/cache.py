"""The answer cache: what upstreams said, unfiltered.

What must stay true:
- Policy is applied after the cache, never before it: one VLAN's verdict cannot reach another.
- The octets held stay under the bound; the oldest go first, those that were asked for since
  their turn came last get another.
- An entry that has outlived itself is told to nobody as fresh; it may be told as stale for
  a day more when nobody can be asked (RFC 8767).
"""

from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

from resolver.dns import codes, names
from resolver.engine.entry import Entry

_CHANCES = 16
"""Entries that may be given another turn before one goes all the same: room is made soon."""
MAX_STALE = 86400
"""Seconds after its end that an entry may still be told as stale."""


class Key(NamedTuple):
    """What makes two questions the same."""

    name: bytes
    qtype: int
    dnssec_ok: bool
    checking_disabled: bool
    group: str
    """The upstream group that is asked."""


Question = tuple[bytes, int, bool, bool, str]
"""A key, or a bare tuple of the same: it is equal, and cheaper to make."""


class Cache:
    """Entries by key, bounded in octets."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.bytes = 0
        self.hits = 0
        self.misses = 0
        self._entries: OrderedDict[Question, Entry] = OrderedDict()
        self.look: Callable[[Question], Entry | None] = self._entries.get
        """The entry of a key, fresh or not; who tells it counts the hit and marks it as used."""

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: Question, now: float) -> Entry | None:
        """The entry of a key that has not outlived its lifetime."""
        kept = self._entries.get(key)
        if kept is None or now - kept.stored >= kept.lifetime:
            self.misses += 1
            return None
        self.hits += 1
        kept.used = True
        return kept

    def stale(self, key: Key, now: float) -> Entry | None:
        """The entry of a key, though it may have outlived itself; never a failure."""
        kept = self._entries.get(key)
        if kept is None or kept.rcode == codes.SERVFAIL:
            return None
        if now - kept.stored >= kept.lifetime + MAX_STALE:
            return None
        return kept

    def put(self, key: Key, kept: Entry) -> None:
        """Remember an entry that has a lifetime, and forget the oldest beyond the bound."""
        if kept.lifetime <= 0 or kept.size > self.max_bytes:
            return
        if key in self._entries:
            self._forget(key)
        self._entries[key] = kept
        self.bytes += kept.size
        chances = _CHANCES
        while self.bytes > self.max_bytes:
            oldest_key, oldest = self._entries.popitem(last=False)
            if oldest is kept or (oldest.used and chances):
                chances -= 1
                oldest.used = False
                self._entries[oldest_key] = oldest
            else:
                self.bytes -= oldest.size

    def flush(self, zone: bytes) -> int:
        """Forget a name and all below it, for every type and group; how many entries went."""
        gone = [key for key in self._entries if names.is_within(key[0], zone)]
        for key in gone:
            self._forget(key)
        return len(gone)

    def _forget(self, key: Question) -> None:
        gone = self._entries.pop(key, None)
        if gone is not None:
            self.bytes -= gone.size


def near_its_end(kept: Entry, now: float) -> bool:
    """Whether an entry that is asked for now should be asked anew before it ends."""
    return kept.fresh_until <= now < kept.stored + kept.lifetime
