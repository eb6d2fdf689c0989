"""Render replies and label them for the counters.

A reply template is kept in the profile of its queries, with its counter: the next reply of the
kind needs neither again. The templates belong to one generation of the policy.
"""

from collections.abc import Callable
from typing import Final, cast

from resolver.dns import codes, render
from resolver.dns.query import Query
from resolver.dns.render import NO_ERRORS, QueryProfile, ReplyTemplate, Sections
from resolver.dns.transport import Transport
from resolver.engine import blocked
from resolver.engine.blocked import BlockedTemplate, blocked_error
from resolver.engine.client import Client
from resolver.engine.labels import LabelledCounter, QueryLabels
from resolver.engine.result import Drop, Reply
from resolver.engine.server_answers import minimal_any
from resolver.exchange.entry import AD_BIT, MAX_TTL, CacheEntry, with_ttls_up_to
from resolver.exchange.failure import Failure
from resolver.policy.compiled import CompiledConfig
from resolver.policy.verdict import NO_SERVICE, PASSED, Outcome, Verdict
from resolver.policy.view import View

UNKNOWN_VLAN: Final = -1
"""The VLAN of unknown clients in labels."""
_MAX_TEMPLATES: Final = 128
"""When a profile has this many reply templates, the next one clears them all: an upstream can send
ever new section counts."""
_HEADER_BITS: Final = 31
"""The bits of ``CacheEntry.header``. In the key of a template, ``Verdict.reply_key`` is above."""
_BLOCKED_KEY: Final = 1 << 60
"""This bit is only in the keys of blocked templates."""

_NOT_AUTHORITATIVE: Final = (render.extended_error(codes.EDE_NOT_AUTHORITATIVE),)

_DRAINING: Final = (render.extended_error(codes.EDE_NOT_READY, "draining"),)


class CountedTemplate(ReplyTemplate):
    """A reply template with the counter of its replies."""

    __slots__ = ("counter",)

    counter: LabelledCounter


class Replies:
    """Makes the replies of one generation."""

    def __init__(self, compiled: CompiledConfig, count: Callable[[QueryLabels], int]) -> None:
        """``count`` returns the index of the counter for labels."""
        self._compiled = compiled
        self._count = count
        self._drops: dict[int, Drop] = {}

    def from_entry(
        self, view: View, query: Query, verdict: Verdict, entry: CacheEntry, now: float,
        wall: float,
    ) -> Reply:  # fmt: skip
        """The reply that a cache entry makes.

        A name that is exempted or counted lives no longer than a blocked answer, and no longer
        than until the policy changes; nor does one that is blocked or counted at other hours.
        """
        may_change = verdict.outcome is not PASSED or verdict.at_other_hours
        profile = query.profile
        header = entry.header if profile.wants_ad else entry.header & ~AD_BIT
        key = header | verdict.reply_key << _HEADER_BITS
        stored = None if entry.errors else profile.templates.get(key)
        if stored is None:
            if profile.qtype == codes.ANY:
                most = _most_ttl(view, verdict, wall) if may_change else MAX_TTL
                sections = minimal_any(query.question, entry, most, now)
                if sections is not None:
                    return self.local(view, query, verdict, codes.NOERROR, sections)
            stored = self._entry_template(view, profile, verdict, entry, header)
            if not entry.errors:
                _store_template(profile, key, stored)
        template = cast("CountedTemplate", stored)
        records = entry.aged(now)
        if may_change:
            records = with_ttls_up_to(_most_ttl(view, verdict, wall), records, entry.ttl_offsets)
        packet = template.render(query.ident, query.question, records)
        return Reply(packet, template.counter)

    def _entry_template(
        self, view: View, profile: QueryProfile, verdict: Verdict, entry: CacheEntry, header: int
    ) -> CountedTemplate:
        rcode = entry.rcode
        flags = profile.reply_flags | rcode | (codes.AD if header & AD_BIT else 0)
        stored = CountedTemplate(profile, flags, entry.counts, entry.errors)
        stored.counter = self._counter(view, verdict.outcome, verdict.service, rcode, profile)
        return stored

    def blocked(self, view: View, query: Query, verdict: Verdict) -> Reply:
        """The blocked reply, by the policy of the view."""
        profile = query.profile
        key = _BLOCKED_KEY | verdict.reply_key << 1 | verdict.all_below
        stored = profile.templates.get(key)
        if stored is None:
            rcode, address = view.effect.answers.to_query(profile.qtype, verdict)
            error = blocked_error(view.effect, verdict, self._compiled.services)
            made = BlockedTemplate(profile, rcode, address, error)
            made.counter = self._counter(view, verdict.outcome, verdict.service, rcode, profile)
            stored = _store_template(profile, key, made)
        template = cast("BlockedTemplate", stored)
        return Reply(template.reply(query, verdict), template.counter)

    def without_recursion(self, view: View, query: Query) -> Reply:
        """REFUSED to a query without RD (RFC 8914 section 4.21)."""
        return self._reply(view, query, Outcome.FAILED, codes.REFUSED, _NOT_AUTHORITATIVE)

    def health(self, view: View | None, query: Query, *, draining: bool) -> Reply:
        """NODATA without an SOA, so that nobody keeps it; while the node drains, SERVFAIL."""
        if draining:
            return self._reply(view, query, Outcome.HEALTH, codes.SERVFAIL, _DRAINING)
        return self._reply(view, query, Outcome.HEALTH, codes.NOERROR)

    def local(
        self, view: View, query: Query, verdict: Verdict, rcode: int, sections: Sections
    ) -> Reply:
        """A reply with local records."""
        profile = query.profile
        counter = self._counter(view, verdict.outcome, verdict.service, rcode, profile)
        counts = (sections.answers, sections.authorities, 0)
        template = ReplyTemplate(profile, profile.reply_flags | rcode, counts)
        records = sections.answer + sections.authority
        return Reply(template.render(query.ident, query.question, records), counter)

    def failed(self, view: View | None, query: Query, failure: Failure) -> Reply:
        """SERVFAIL, with an Extended DNS Error that gives the reason."""
        if view is None:
            return self.refused(query)
        error = render.extended_error(failure.code, failure.text)
        return self._reply(view, query, Outcome.FAILED, codes.SERVFAIL, (error,))

    def truncated(self, view: View, query: Query) -> Reply:
        """An empty reply with TC to a query over the rate limit; it is counted as dropped."""
        return self._reply(view, query, Outcome.DROPPED, codes.NOERROR, flags=codes.TC)

    def refused(self, query: Query, outcome: Outcome = Outcome.REFUSED) -> Reply:
        """REFUSED to who is in no VLAN; no larger than its query, whose address may be forged."""
        return self._reply(None, query, outcome, codes.REFUSED)

    def malformed(self, view: View, query: Query) -> Reply:
        """The error reply to a query that is malformed, or whose type or class is not served."""
        return self._reply(view, query, Outcome.FAILED, query.profile.rcode)

    def _reply(
        self,
        view: View | None,
        query: Query,
        outcome: Outcome,
        rcode: int,
        errors: tuple[bytes, ...] = NO_ERRORS,
        flags: int = 0,
    ) -> Reply:
        """A reply without records; to a client in no VLAN without NSID, which would enlarge it."""
        profile = query.profile
        counter = self._counter(view, outcome, NO_SERVICE, rcode, profile)
        flags |= profile.reply_flags | rcode & codes.RCODE
        template = ReplyTemplate(
            profile, flags, (0, 0, 0), errors, rcode, with_nsid=view is not None
        )
        return Reply(template.render(query.ident, query.question, b""), counter)

    def dropped(self, client: Client) -> Drop:
        """Drop a packet, and count it by VLAN and transport."""
        vlan = UNKNOWN_VLAN if client.view is None else client.view.vlan
        key = vlan * len(Transport) + client.transport
        drop = self._drops.get(key)
        if drop is None:
            labels = QueryLabels(vlan, Outcome.DROPPED, NO_SERVICE, 0, 0, client.transport)
            drop = self._drops[key] = Drop(LabelledCounter(labels, self._count(labels)))
        return drop

    def _counter(
        self, view: View | None, outcome: Outcome, service: int, rcode: int, profile: QueryProfile
    ) -> LabelledCounter:
        vlan = UNKNOWN_VLAN if view is None else view.vlan
        if outcome is PASSED:  # also where the policy blocks the service at other hours
            service = NO_SERVICE
        qtype = profile.qtype if profile.rcode == codes.NOERROR else 0
        labels = QueryLabels(vlan, outcome, service, rcode, qtype, profile.transport)
        return LabelledCounter(labels, self._count(labels))


def _most_ttl(view: View, verdict: Verdict, wall: float) -> int:
    """The TTL, in seconds, that a name has at most which may be blocked at another moment."""
    most = MAX_TTL if verdict.outcome is PASSED else blocked.TTL
    left = view.effect.until - wall
    return max(1, int(left) if left < most else most)


def _store_template(profile: QueryProfile, key: int, template: ReplyTemplate) -> ReplyTemplate:
    """Store a template in its profile."""
    if len(profile.templates) >= _MAX_TEMPLATES:
        profile.templates.clear()
    profile.templates[key] = template
    return template
