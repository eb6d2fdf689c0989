"""Answer one packet: the one path of every query, over every transport.

The steps, and the reason for their order:

1. Limit: a packet over the client's rate limit is dropped, or truncated, before it costs more.
2. Scan: a packet that is no query is dropped. A malformed query needs no policy.
3. View: an unknown client (in no VLAN) is refused before it can learn anything.
4. Local records and special-use names: the agency or this host owns them, so policy does not
   apply. A forward zone only chooses the upstream group for step 8.
5. Policy on the question: before the cache, so a blocked name costs no look-up and its counters
   do not depend on the queries of other clients.
6. RD: without it, the cache would show a client what other VLANs ask for. So only local data and
   policy answer such a query, and all else is refused.
7. Cache: it holds responses before policy. So the targets and the addresses in the answer are
   judged for this client now, whichever client asked first. Private addresses that an upstream
   group may not give for public names are withheld here (``policy.rebinding``). An answer of the
   national filter, by the mark that its entry has from the exchange, passes as it came.
8. Forward: all other queries. ``conclude`` then continues at step 7; if the policy has changed
   meanwhile, at step 4. An alias that the upstream did not follow is followed by its zone.

What must stay true:
- Every reply from a cache entry goes through ``_reply_with``, and every blocked reply through
  ``_block``.
- The query profiles of a view hold reply templates. A new generation drops them. It begins with a
  reload, with a flush, and when an exemption or hours begin or end.

Pure: no sockets, no clock; ``now`` is in monotonic seconds.
"""

import math
from collections.abc import Callable
from typing import Final, cast

from resolver.dns import codes
from resolver.dns.query import Query, scan
from resolver.dns.special_use import HEALTH, WHOAMI, Use
from resolver.dns.transport import UDP
from resolver.engine.cache import AnswerCache
from resolver.engine.chain import joined, local_entry
from resolver.engine.client import Client, Clients
from resolver.engine.failure_cache import FAILURE_PAUSE
from resolver.engine.labels import QueryLabels
from resolver.engine.last_queries import LastQueries
from resolver.engine.loaded_snapshot import LoadedSnapshot
from resolver.engine.observer import Observer
from resolver.engine.replies import Replies
from resolver.engine.result import Drop, PendingReply, Reply
from resolver.engine.routing import Zone, local_answer, without_nxdomain
from resolver.engine.server_answers import about_server, whoami
from resolver.exchange.entry import MAX_RESTARTS, CacheEntry
from resolver.exchange.failure import Failure
from resolver.exchange.question import UpstreamQuestion, cache_key
from resolver.policy.prefixes import is_loopback
from resolver.policy.verdict import BLOCKED, PASS, PASSED, REBINDING, Outcome, Verdict
from resolver.policy.view import View

_OF_ALIAS: Final = (codes.CNAME, codes.ANY)
"""The types of which an alias itself is the answer."""
_LOCAL_ALIAS: Final = b"local alias"
"""The group of the question about a local alias: no upstream group has a space in its name."""
_CLOCK_SET: Final = 60.0
"""Seconds between wall clock and monotonic clock, from which on earlier moments are not shown."""
_TOO_MANY: Final = Failure(codes.EDE_OTHER, f"more than {MAX_RESTARTS} aliases, or a circle")


class Engine:
    """Answers packets, by the snapshot in force and the answer cache."""

    def __init__(
        self,
        snapshot: LoadedSnapshot,
        cache: AnswerCache,
        count: Callable[[QueryLabels], int] = hash,
        observer: Observer | None = None,
        interface_name: Callable[[bytes], str] = bytes.hex,
    ) -> None:
        """``count`` returns the index of the counter for labels.

        ``interface_name`` gives the name of the interface with a scope now, or an empty text.
        """
        self.cache = cache
        self.draining = False
        """Whether the reply to a query for ``HEALTH`` says that clients should ask another node."""
        self._count = count
        self._interface_name = interface_name
        self._generation = 0
        self.last_queries = (LastQueries(), LastQueries())
        """Of addresses in no VLAN, and in one."""
        self.missing_forwards = 0
        """Queries for names below .local and .internal, which no ``[[forward]]`` has."""
        self._wall_ahead = 0.0
        """Unix time less monotonic time."""
        self.changes_at = math.inf
        """When the next exemption or hours begin or end, in monotonic seconds."""
        self.observe(observer)
        self.replace(snapshot)

    def replace(self, snapshot: LoadedSnapshot) -> None:
        """Put another snapshot in force. The cache is kept, since it has no verdicts."""
        self.compiled = snapshot.compiled
        self._judge = snapshot.judge
        self._ranges = snapshot.judge.ranges
        self._rebinding = snapshot.judge.rebinding
        self._views = snapshot.views
        self._routing = snapshot.routing
        self._nsid = self.compiled.settings.identity.encode()
        self.clients = Clients(
            snapshot.compiled, snapshot.views, self._interface_name, self.last_queries
        )
        self.cache.failures.clear()
        self.observe(self.observer)
        self._new_generation()

    def observe(self, observer: Observer | None) -> None:
        """Call this observer from now on, for what it wants now."""
        self.observer = observer
        self._wants_questions = observer is not None and observer.wants_questions
        self._wants_verdicts = observer is not None and observer.wants_verdicts

    def advance(self, wall: float, now: float) -> None:
        """Set the time: the wall clock (Unix time) for exemptions and hours, ``now`` for limits."""
        is_set = abs(wall - now - self._wall_ahead) > _CLOCK_SET  # or the host has slept
        if is_set:
            self.clients.clear()
        for last_queries in self.last_queries:
            if is_set:
                last_queries.clear()
            last_queries.set_time(now)
        self.clients.set_time(now)
        self._wall_ahead = wall - now
        if self._views.advance(wall):
            self._new_generation()
        self.changes_at = now + (self._views.until - wall)

    def flush(self, zone: bytes) -> int:
        """Remove a name and all names below it from the cache; the number of entries."""
        self._new_generation()
        return self.cache.flush(zone)

    def _new_generation(self) -> None:
        """Drop all that was made for the old policy."""
        self._generation += 1
        self.clients.clear()
        self._replies = Replies(self.compiled, self._count)

    def answer(self, client: Client, packet: bytes, now: float) -> Reply | PendingReply | Drop:
        """Answer one packet, received at ``now``."""
        view = client.view
        if not client.limit.take():
            client.last_query.at = now
            return self._over_limit(client, packet)
        query = scan(packet, client.profiles, client.transport, self._nsid)
        if query is None:
            return self._replies.dropped(client)
        client.last_query.at = now
        if view is None:
            return self._refuse(client, query)
        if query.profile.rcode != codes.NOERROR:
            about = about_server(query, self.compiled.settings)
            if about is not None:
                return self._replies.local(view, query, PASS, codes.NOERROR, about)
            return self._replies.malformed(view, query)
        if self._wants_questions and self.observer is not None:
            self.observer.asked(client, query)
        return self.respond(client, view, query, now)

    def _refuse(self, client: Client, query: Query) -> Reply:
        """Refuse a client in no VLAN; this host may ask for HEALTH, as may a server in front.

        keepalived and BIRD ask from this host, whose addresses need no VLAN. By REFUSED to another
        name a server in front sees that this node answers, drained or not.
        """
        address = client.address
        is_health = query.name == HEALTH and query.profile.rcode == codes.NOERROR
        if is_health and (not address or is_loopback(address)):
            return self._replies.health(None, query, draining=self.draining)
        if not address:
            return self._replies.refused(query, Outcome.HEALTH)
        if self.observer is not None:
            self.observer.refused(client.address)
        return self._replies.refused(query)

    def _over_limit(self, client: Client, packet: bytes) -> Reply | Drop:
        """Drop a packet; over UDP every second one gets TC, so a victim of forgers can use TCP."""
        view = client.view
        if view is not None and client.transport is UDP and client.limit.slips:
            query = scan(packet, client.profiles)
            if query is not None:
                return self._replies.truncated(view, query)
        return self._replies.dropped(client)

    def respond(
        self, client: Client, view: View, query: Query, now: float,
        key: bytes = b"", answer: CacheEntry | None = None,
    ) -> Reply | PendingReply:  # fmt: skip
        """Answer a question from a client in a VLAN.

        ``answer`` is the answer to the question of ``key`` that an upstream has just given, which
        is not in the cache if its TTL is 0.
        """
        name, profile, group = query.name, query.profile, view.group
        zone, verdict = self.check_question(view, name, profile.qtype)
        if verdict.outcome is BLOCKED:
            return self._block(client, view, query, verdict)
        if zone is not None:
            if zone.group is None:
                if zone.name == HEALTH:
                    return self._replies.health(view, query, draining=self.draining)
                if zone.alias and profile.flags & codes.RD and profile.qtype not in _OF_ALIAS:
                    return self._answer_alias(client, view, query, zone, now)
                self.missing_forwards += zone.use is Use.PRIVATE
                if name == WHOAMI and zone.use is Use.WHOAMI and profile.qtype == codes.TXT:
                    rcode, sections = codes.NOERROR, whoami(self.compiled, view)
                else:
                    rcode, sections = local_answer(zone, name, profile.qtype)
                self._observe_verdict(client, query, verdict)
                return self._replies.local(view, query, verdict, rcode, sections)
            group = zone.group
        if not profile.flags & codes.RD:
            return self._replies.without_recursion(view, query)
        question_key = cache_key(name, profile, group)
        entry = answer if answer and key == question_key else self.cache.get(question_key, now)
        if entry is None or entry.unfinished:
            question = UpstreamQuestion(name, profile, group, question_key)
            pending = PendingReply(
                client, query, verdict, question, self._generation, now, view.vlan
            )
            if entry is None:
                return self._ask(pending, view, now)
            result = self._follow(pending, view, entry, now)
        else:
            verdict = self._judge_answer(view, name, question_key, group, verdict, entry)
            result = self._reply_with(client, view, query, verdict, entry, now)
        if entry.refresh_after <= now < entry.expires and isinstance(result, Reply):
            result.refresh = UpstreamQuestion(name, profile, group, question_key)
        return result

    def _answer_alias(
        self, client: Client, view: View, query: Query, zone: Zone, now: float
    ) -> Reply | PendingReply:
        """Answer a question about a local alias: its target is judged and found as any other.

        The whole chain is never cached: an alias is in force as long as the config has it.
        """
        question = UpstreamQuestion(query.name, query.profile, _LOCAL_ALIAS)
        pending = PendingReply(client, query, PASS, question, self._generation, now, view.vlan)
        return self._follow(pending, view, local_entry(zone, query.name, question.qtype, now), now)

    def view_of(self, address: bytes) -> View | None:
        """The view of a client by its address now; None where no VLAN holds it."""
        return self._views.of(address, "")

    def check_question(self, view: View, name: bytes, qtype: int) -> tuple[Zone | None, Verdict]:
        """The zone of a question, and the verdict; a name with local data always passes."""
        zone = self._routing.find(name, qtype)
        if zone is not None and zone.group is None and zone.use is not Use.NO_DELEGATION:
            return zone, PASS
        return zone, self._judge.check_query(view, name)

    def conclude(
        self, pending: PendingReply, result: CacheEntry | Failure, now: float
    ) -> Reply | PendingReply:
        """Answer a query after the exchange about its question, or while it is slow."""
        answer = self.cache.serve_stale(pending.question, result, now)
        if pending.generation != self._generation:
            return self._respond_anew(pending, answer, now)
        client, query = pending.client, pending.query
        view = cast("View", client.view)
        if isinstance(answer, Failure):
            return self._replies.failed(view, query, answer)
        if pending.chain is not None:
            group = pending.question.group
            answer = self.cache.join(pending.client_question, pending.chain, answer, group, now)
        if answer.unfinished:
            return self._follow(pending, view, answer, now)
        asked = pending.client_question
        verdict = self._judge_answer(
            view, asked.name, asked.key, asked.group, pending.verdict, answer
        )
        return self._reply_with(client, view, query, verdict, answer, now)

    def give_up(self, pending: PendingReply, failure: Failure) -> Reply:
        """Answer a query with SERVFAIL, whatever the caches have."""
        client = self.clients.of(pending.client.origin, pending.client.transport)
        return self._replies.failed(client.view, pending.query, failure)

    def _respond_anew(
        self, pending: PendingReply, answer: CacheEntry | Failure, now: float
    ) -> Reply | PendingReply:
        """Answer a query of an earlier generation by the policy of now."""
        client = self.clients.of(pending.client.origin, pending.client.transport)
        query = pending.query
        query.profile.templates.clear()  # they are of an earlier generation
        if client.view is None:
            return self._replies.refused(query)
        entry = answer if isinstance(answer, CacheEntry) else None
        result = self.respond(client, client.view, query, now, pending.question.key, entry)
        if isinstance(result, PendingReply):
            result.received, result.sender, result.to = pending.received, pending.sender, pending.to
        return result

    def _judge_answer(
        self, view: View, name: bytes, key: bytes, group: bytes, verdict: Verdict,
        entry: CacheEntry,
    ) -> Verdict:  # fmt: skip
        """The verdict on an answer: that on its targets and addresses, or that on the question.

        An answer of the national filter has a verdict of its own where the policy has none.

        ``key`` is that of the question, ``group`` the upstream group that was asked first.
        """
        if entry.ranges is not self._ranges:
            self.cache.find_addresses(key, entry, self._ranges)
        if not entry.targets and not entry.addresses and not entry.filter_address:
            return verdict
        if not verdict.by_allow:
            of_answer = self._judge.check_answer(
                view, name, entry.targets, entry.aliases, entry.addresses
            )
            if of_answer.outcome is BLOCKED:
                return of_answer
            if of_answer.takes_precedence(verdict):
                verdict = of_answer
        if (entry.addresses or entry.filter_address) and group in self._rebinding:
            protection = self._rebinding[group]
            withheld = protection.check(name, entry.addresses, entry.filter_address)
            if withheld is not None:
                return withheld
        if entry.filter_address and verdict.outcome is PASSED:
            return Verdict.by_filter(entry.filter_address)
        return verdict

    def _reply_with(
        self, client: Client, view: View, query: Query, verdict: Verdict, entry: CacheEntry,
        now: float,
    ) -> Reply:  # fmt: skip
        """Reply with an entry, or with the blocked reply if the verdict is against it."""
        if verdict.outcome is BLOCKED or verdict.outcome is REBINDING:
            return self._block(client, view, query, verdict)
        self._observe_verdict(client, query, verdict)
        if query.profile.qtype == codes.DS and entry.rcode == codes.NXDOMAIN:
            entry = without_nxdomain(query.name, entry, self._routing)
        return self._replies.from_entry(view, query, verdict, entry, now, now + self._wall_ahead)

    def _block(self, client: Client, view: View, query: Query, verdict: Verdict) -> Reply:
        """The blocked reply, by the policy of the view."""
        self._observe_verdict(client, query, verdict)
        return self._replies.blocked(view, query, verdict)

    def _follow(
        self, pending: PendingReply, view: View, entry: CacheEntry, now: float
    ) -> Reply | PendingReply:
        """Follow the aliases that the upstream did not follow; forward the first unknown target."""
        while True:
            asked = pending.client_question
            verdict = self._judge_answer(
                view, asked.name, asked.key, asked.group, pending.verdict, entry
            )
            stops = verdict.outcome is BLOCKED or verdict.outcome is REBINDING
            if stops or not entry.unfinished:
                return self._reply_with(pending.client, view, pending.query, verdict, entry, now)
            if entry.restarts >= MAX_RESTARTS:
                until = now + FAILURE_PAUSE
                self.cache.failures.put(pending.client_question.key, _TOO_MANY, until, now)
                return self._replies.failed(view, pending.query, _TOO_MANY)
            whole = self._follow_alias(pending, view, entry, now)
            if whole is None:
                return self._ask(pending, view, now)
            entry = whole

    def _follow_alias(
        self, pending: PendingReply, view: View, entry: CacheEntry, now: float
    ) -> CacheEntry | None:
        """Join the answer for the target of an alias; None if it must be forwarded."""
        asked, target, group = pending.client_question, entry.unfinished, view.group
        zone = self._routing.find(target, asked.qtype)
        if zone is not None:
            if zone.group is None:
                rest = local_entry(zone, target, asked.qtype, now)
                return joined(asked.name, asked.qtype, entry, rest, now)
            group = zone.group
        question = UpstreamQuestion(target, pending.query.profile, group)
        rest_entry = self.cache.get(question.key, now)
        if rest_entry is not None:
            return self.cache.join(asked, entry, rest_entry, group, now)
        pending.question, pending.chain = question, entry
        return None

    def _ask(self, pending: PendingReply, view: View, now: float) -> Reply | PendingReply:
        """Forward a question, unless the failure cache has it, or the question of the client."""
        failures = self.cache.failures
        failure = failures.get(pending.question.key, now)
        if failure is None and pending.question is not pending.client_question:
            failure = failures.get(pending.client_question.key, now)
        return pending if failure is None else self._replies.failed(view, pending.query, failure)

    def dropped(self, client: Client) -> Drop:
        """Drop a packet that could not be handled."""
        return self._replies.dropped(client)

    def _observe_verdict(self, client: Client, query: Query, verdict: Verdict) -> None:
        if self._wants_verdicts and verdict.outcome is not PASSED and self.observer is not None:
            self.observer.decided(client, query, verdict)
