"""Which domains are asked of the fallback servers, since the link abroad is cut.

The default group has fallback servers where ``[upstream] fallback`` names some. They are no part of
the group: an attacker who drops the packets of one question could then choose who answers it, and
a slow name would lose validation on any day. So there is a state for each top-level domain,
``is_cut``.

- A domain becomes cut where questions of three names have no usable answer within a minute, no
  question had one for 10 s, and the supervisor's probe of a name abroad has no answer.
- It is cut no more once the default group answers a question of it.

While a domain is cut, its questions go to the fallback servers at once, and one question every 5 s
goes to the default group as well.

What must stay true:
- NXDOMAIN and NODATA are answers. A bogus answer (SERVFAIL with an Extended DNS Error that says so)
  is no answer, and no sign of a cut either: else an attacker who forges answers could lead
  questions away from the servers that validate. Neither is an answer of the national filter, which
  may come from this side of the cut.
- Names count as different only if their last two labels differ, so one zone that fails is no cut.
- An answer of a fallback server lives ``MOST_TTL`` seconds at most, and has no AD.

Pure: ``now`` is in monotonic seconds.
"""

from math import inf
from typing import Final

from resolver.dns import codes, names
from resolver.exchange.entry import CacheEntry
from resolver.exchange.failure import Failure
from resolver.exchange.question import UpstreamQuestion
from resolver.policy.upstream_groups import DEFAULT_GROUP, FALLBACK_GROUP

DEFAULT: Final = DEFAULT_GROUP.encode()
"""The group that has fallback servers."""
GROUP: Final = FALLBACK_GROUP.encode()
"""The group of the fallback servers."""
MOST_TTL: Final = 30
"""Seconds that an answer of a fallback server lives at most."""
_NAMES: Final = 3
"""Different names without a usable answer."""
_WITHIN: Final = 60.0
"""Seconds in which these count."""
_SILENT: Final = 10.0
"""Seconds in which no question of the domain had a usable answer."""
_TURN: Final = 5.0
"""Seconds between two questions of a cut domain to the default group."""
_MOST_DOMAINS: Final = 2000
"""There are some 1,500 top-level domains; made-up ones fill the rest, and are forgotten first."""
_BOGUS: Final = frozenset(range(6, 13))
"""The Extended DNS Errors of a bogus answer (RFC 8914)."""
_NONE: Final = b""


class _Domain:
    """What is known of a top-level domain."""

    __slots__ = ("answered", "failed", "is_cut", "turn_at")

    def __init__(self) -> None:
        self.answered = -inf
        """When a question had a usable answer last."""
        self.failed: dict[bytes, float] = {}
        """When names had none, by their last two labels; since the last usable answer."""
        self.is_cut = False
        self.turn_at = 0.0
        """When the next question goes to the default group as well."""


class Fallback:
    """The states of the domains. Without fallback servers, nothing is kept."""

    def __init__(self) -> None:
        self.has_servers = False
        self._is_abroad_silent = False
        self._domains: dict[bytes, _Domain] = {}
        self.cut: frozenset[bytes] = frozenset()
        """The domains that are cut, each a label in lower case."""

    def use(self, has_servers: bool) -> None:
        """Follow the config: without fallback servers no domain is cut."""
        self.has_servers = has_servers
        if not has_servers:
            self._domains.clear()
            self.cut = frozenset()

    def note_probe(self, is_silent: bool, now: float) -> None:
        """Note whether the supervisor's probe of a name abroad has no answer."""
        self._is_abroad_silent = is_silent
        for domain in self._domains.values():
            self._judge(domain, now)

    def domain_of(self, question: UpstreamQuestion) -> bytes:
        """The cut domain that a question is in; empty where it goes to its own group."""
        if question.group != DEFAULT:
            return _NONE
        label = _top(question.name)
        return label if label in self.cut else _NONE

    def takes_turn(self, label: bytes, now: float) -> bool:
        """Whether a question of a cut domain goes to the default group, too; it takes the turn."""
        domain = self._domains[label]
        if now < domain.turn_at:
            return False
        domain.turn_at = now + _TURN
        return True

    def note(self, question: UpstreamQuestion, result: CacheEntry | Failure, now: float) -> None:
        """Note what came of a question: its result, or the failure of a round that is over."""
        if not self.has_servers or question.group != DEFAULT:
            return
        label = _top(question.name)
        if not label:
            return
        domain = self._domains.get(label)
        if domain is None:
            domain = self._add(label)
        if isinstance(result, CacheEntry) and result.answers and not result.filter_address:
            domain.answered = now
            if domain.failed or domain.is_cut:
                domain.failed.clear()
                self._set_cut(domain, False, now)
        elif not _is_forged(result):
            domain.failed[b".".join(names.labels(question.name)[-2:])] = now
            self._judge(domain, now)

    def _add(self, label: bytes) -> _Domain:
        """A new domain; the oldest that is not cut is forgotten where they are too many."""
        if len(self._domains) >= _MOST_DOMAINS:
            oldest = next((domain for domain in self._domains if domain not in self.cut), None)
            if oldest is not None:
                del self._domains[oldest]
        domain = self._domains[label] = _Domain()
        return domain

    def _judge(self, domain: _Domain, now: float) -> None:
        """Decide whether a domain that is not cut is cut now."""
        for key in [key for key, at in domain.failed.items() if at < now - _WITHIN]:
            del domain.failed[key]
        while len(domain.failed) > _NAMES:
            del domain.failed[next(iter(domain.failed))]
        has_failed = len(domain.failed) >= _NAMES and now >= domain.answered + _SILENT
        if has_failed and self._is_abroad_silent and not domain.is_cut:
            self._set_cut(domain, True, now)

    def _set_cut(self, domain: _Domain, is_cut: bool, now: float) -> None:
        domain.is_cut = is_cut
        domain.turn_at = now + _TURN
        self.cut = frozenset([label for label, domain in self._domains.items() if domain.is_cut])


def _top(name: bytes) -> bytes:
    """The last label of a name; empty for the root."""
    labels = names.labels(name)
    return labels[-1] if labels else _NONE


def _is_forged(result: CacheEntry | Failure) -> bool:
    """Whether the servers say that the answer is bogus, or it is one of the national filter."""
    if isinstance(result, Failure):
        return False
    codes_of = {int.from_bytes(error[:2], "big") for error in result.errors}
    is_bogus = result.rcode == codes.SERVFAIL and not codes_of.isdisjoint(_BOGUS)
    return is_bogus or result.filter_address != b""
