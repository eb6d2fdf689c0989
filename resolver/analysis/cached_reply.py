"""What the caches of the workers would give a client, as values to show."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from resolver.analysis.received import Received
from resolver.dns.response import scan
from resolver.exchange.entry import CacheEntry, make_entry
from resolver.exchange.question import UpstreamQuestion


@dataclass(frozen=True, slots=True)
class CachedAnswer:
    """What the cache of a worker has for a question."""

    entry: CacheEntry
    age: int
    """Seconds since it was stored."""
    left: int
    """Seconds for which it is fresh; 0 or less: it is stale."""


LookUp = Callable[[bytes], Sequence[Mapping[str, Any]]]
"""What each worker says that its cache has for the key of a question (``server.worker``)."""


def cached_answer(question: UpstreamQuestion, cached: Mapping[str, Any]) -> CachedAnswer | None:
    """What a worker says that its cache has; None for nothing."""
    response = scan(bytes.fromhex(cached["response"]))
    if response is None:
        return None
    entry = make_entry(response, 0.0, question.dnssec_ok)
    if cached["filter"]:
        entry.mark_filter(bytes.fromhex(cached["filter"]))
    return CachedAnswer(entry, cached["age"], cached["left"])


@dataclass(frozen=True, slots=True)
class CachedReply:
    """The reply of a worker from its cache."""

    worker: int
    reply: Received
    age: int
    left: int
    """Both as in ``CachedAnswer``; of a chain, of the part that the client asks for."""

    @property
    def is_fresh(self) -> bool:
        """Whether clients get it without a query to an upstream."""
        return self.left > 0

    def __str__(self) -> str:
        fresh = f"fresh for {self.left} s" if self.is_fresh else "only if no upstream answers"
        return f"{self.reply}, {self.age} s old, {fresh}"


def sure_reply(cached: Sequence[CachedReply | None]) -> Received | None:
    """The reply of every worker from its cache, with the shortest TTL; None if they differ."""
    replies = [entry.reply for entry in cached if entry is not None and entry.is_fresh]
    if len(replies) < len(cached) or len({replace(reply, ttl=None) for reply in replies}) != 1:
        return None
    return min(replies, key=lambda reply: reply.ttl or 0)


def text_of(cached: Sequence[CachedReply | None]) -> str:
    """What each worker has; ``nothing`` where none has anything."""
    have = [entry for entry in cached if entry is not None]
    if len(cached) == 1:
        return str(have[0]) if have else "nothing"
    return "; ".join(f"worker {entry.worker}: {entry}" for entry in have) or "nothing"
