"""Explain how a name is answered for a client, and which rule decides.

The data path's own engine answers, and an observer of it notes the verdict, so that no second
engine can disagree with the first. ``explain``, ``check``, ``diff`` and the pages ask here.
Pure, as the engine is.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import partial
from typing import NamedTuple

from resolver.analysis.cached_reply import CachedReply, LookUp, cached_answer, sure_reply, text_of
from resolver.analysis.deciding_step import DecidingSteps, local_step, refused_step
from resolver.analysis.received import Received, received
from resolver.analysis.step import Step, step
from resolver.dns import codes, names, render
from resolver.dns.query import Query
from resolver.dns.render import QueryProfile
from resolver.dns.transport import TCP, UDP
from resolver.engine.cache import AnswerCache
from resolver.engine.client import Client
from resolver.engine.engine import Engine
from resolver.engine.last_queries import LastQuery
from resolver.engine.limits import UNLIMITED
from resolver.engine.loaded_snapshot import LoadedSnapshot
from resolver.engine.result import PendingReply
from resolver.exchange.entry import CacheEntry
from resolver.exchange.failure import Failure
from resolver.exchange.question import UpstreamQuestion
from resolver.policy.compiled import CompiledConfig
from resolver.policy.index import Index
from resolver.policy.moment import InForce
from resolver.policy.prefixes import packed
from resolver.policy.service_hours import ALL_HOURS
from resolver.policy.upstream_groups import group_section
from resolver.policy.verdict import NO_SERVICE, PASS, Outcome, Verdict
from resolver.policy.view import View

_REFUSED = Received("REFUSED")
_WITHHELD = (Outcome.BLOCKED, Outcome.REBINDING)

AskUpstream = Callable[[UpstreamQuestion], CacheEntry | Failure]
"""Asks an upstream."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """One object of ``darban explain --json``; what does not apply is empty or null."""

    client: str | None
    vlan: str
    policy: str
    name: str
    type: str
    outcome: str
    service: str
    rule: str
    list: str
    line: int | None
    directive: str
    contact: str
    exemption: str
    hours: str
    """``within office``: when the service is blocked or the exemption in force; may be empty."""
    until: str
    """The moment at which hours or an exemption next change the outcome; empty if none does."""
    matched: str
    targets: str
    """Whether policy checked the targets of the answer: ``checked`` or ``not checked``."""
    answer: str
    """The answer of the upstream, where it was asked."""
    decided_by: Step
    """The step that decided, in words."""
    asked_now: Received | None
    """The reply by the answer that the upstream has just given; None where it was not asked."""
    cached: tuple[CachedReply | None, ...]
    """The reply of each worker from its cache, None for nothing; empty without a look-up."""
    receives: Received | None
    """What the client receives now; None where an upstream decides it, or the workers differ."""
    upstream: str
    """The servers that are asked, and the config's section that names them."""

    def facts(self) -> dict[str, str]:
        """All but the question and the outcome, as texts by their headings; no empty ones.

        The hours of a name that passes are those within which it is blocked or counted.
        """
        counted = self.decided_by.kind == "counted_at_other_hours"
        passes = self.outcome == Outcome.PASSED.label
        headings = {"hours": "counted" if counted else "blocked"} if passes else {}
        keys = [field.name for field in fields(self)]
        texts = {headings.get(key, key): getattr(self, key) for key in keys}
        answer = "as asked now" if self.asked_now else "what the upstream answers"
        texts["receives"] = self.receives or f"what is cached, else {answer}"
        texts["cached"] = text_of(self.cached) if self.cached else ""
        return {
            key.replace("_", " "): str(value)
            for key, value in texts.items()
            if key not in ("name", "type", "outcome") and value not in ("", None)
        }


class _Resolved(NamedTuple):
    """The verdict on a name and its targets, and the answer of the upstream."""

    verdict: Verdict
    checked: bool = False
    answer: str = ""
    packet: bytes = b""
    """The reply to the client; empty where no upstream was asked that knows it."""
    asked: UpstreamQuestion | None = None
    """The first question to an upstream, if any is needed."""


class _LastVerdict:
    """An observer that keeps the verdict on the last query."""

    def __init__(self) -> None:
        self.wants_questions = False
        self.wants_verdicts = True
        self.verdict = PASS

    def asked(self, client: Client, query: Query) -> None:
        """Ignore it."""

    def decided(self, client: Client, query: Query, verdict: Verdict) -> None:  # noqa: ARG002 - only the verdict matters here
        """Note it."""
        self.verdict = verdict

    def refused(self, address: bytes) -> None:
        """Ignore it."""


class Explainer:
    """Explains names by a snapshot, at a moment."""

    def __init__(
        self, compiled: CompiledConfig, index: Index, wall: float, ask: AskUpstream | None = None,
        look_up: LookUp | None = None,
    ) -> None:  # fmt: skip
        """``wall`` is the moment, in seconds since 1970.

        With ``ask`` the targets of a name that passes are checked as well; with ``look_up`` the
        caches of the server are, too.
        """
        self.compiled = compiled
        self.wall = wall
        """The moment that is explained, in seconds since 1970; ``inf`` for no certain one."""
        self._ask = ask
        self._look_up = look_up
        self._vlans = {vlan.name: place for place, vlan in enumerate(compiled.vlans)}
        self._snapshot = LoadedSnapshot(compiled, index, wall)
        self._observer = _LastVerdict()
        self._steps = DecidingSteps(self._snapshot)
        self._engine = Engine(self._snapshot, AnswerCache(0), observer=self._observer)

    def advance(self, wall: float) -> None:
        """Explain by what is in force at another moment."""
        self.wall = wall
        self._engine.advance(wall, 0.0)

    def assume(self, now: InForce) -> None:
        """Explain as if this were in force, at no certain moment."""
        self.wall = math.inf
        self._snapshot.views.change(now)
        self._engine.replace(self._snapshot)

    def vlan(self, name: str) -> View | None:
        """The view of a VLAN by its name; None where there is none."""
        place = self._vlans.get(name)
        return None if place is None else self._snapshot.views.of_vlan(place)

    def client(self, address: str) -> View | None:
        """The view of a client by its address; None where no VLAN holds it.

        A link-local address has its interface: fe80::1%eth0.
        """
        return self._snapshot.views.of(packed(address), address.partition("%")[2])

    def verdict(self, view: View, name: bytes, qtype: int) -> tuple[Verdict, bool]:
        """The verdict on a question; and whether no target of its answer could change that.

        A name that is answered here without policy passes.
        """
        zone, verdict = self._engine.check_question(view, name, qtype)
        alias = zone is not None and zone.alias
        is_local = zone is not None and zone.group is None and not alias
        if not view.has_rules or _is_settled(verdict) or is_local:
            return verdict, True
        if self._ask is None and not alias:
            return verdict, False
        resolved = self._resolve(view, name, qtype, verdict)
        return resolved.verdict, resolved.checked

    def is_special_use(self, view: View, name: bytes, qtype: int) -> bool:
        """Whether a question is answered here, as one of a special-use name (RFC 6761)."""
        zone, _ = self._engine.check_question(view, name, qtype)
        return zone is not None and zone.use is not None

    def service(self, verdict: Verdict) -> str:
        """The service whose rule decided; empty where none did."""
        if verdict.service == NO_SERVICE:
            return ""
        return self.compiled.services[verdict.service].name

    def for_client(self, address: str, name: bytes, qtype: int) -> Explanation:
        """Explain a question from an address."""
        return self._explanation(address, self.client(address), name, qtype)

    def for_view(self, view: View, name: bytes, qtype: int) -> Explanation:
        """Explain a question from a VLAN, for a client without exemptions of its own."""
        return self._explanation(None, view, name, qtype)

    def _explain(self, view: View, name: bytes, qtype: int) -> tuple[_Resolved, Step]:
        """The verdict, the answer, and the step that decided, in words."""
        zone, verdict = self._engine.check_question(view, name, qtype)
        resolved = self._resolve(view, name, qtype, verdict)
        is_local = (
            zone is not None
            and zone.group is None
            and not (
                resolved.verdict.outcome in _WITHHELD or (zone.alias and resolved.verdict.rule_text)
            )
        )
        if zone is not None and is_local:
            return resolved, local_step(zone, name)
        if resolved.asked is not None and resolved.verdict.outcome is Outcome.REBINDING:
            section = group_section(self.compiled.forward, resolved.asked.group.decode())
            return resolved, step("rebinding", section=section)
        return resolved, self._steps.of(view, name, resolved.verdict, self.wall)

    def _resolve(self, view: View, name: bytes, qtype: int, verdict: Verdict) -> _Resolved:
        """Let the engine answer the question, and ask an upstream where the engine needs one."""
        self._observer.verdict = verdict
        asked: list[UpstreamQuestion] = []
        given: list[CacheEntry | Failure] = []

        def find(question: UpstreamQuestion) -> CacheEntry | Failure | None:
            asked.append(question)
            protected = question.group in self._snapshot.judge.rebinding
            if self._ask is None or (len(asked) == 1 and _is_settled(verdict) and not protected):
                return None
            given.append(self._ask(question))
            return given[-1]

        packet = self._reply(view, name, qtype, find)
        if not given:
            if asked:
                return _Resolved(verdict, asked=asked[0])
            return _Resolved(self._observer.verdict, packet=packet)
        last, targets = (
            given[-1],
            [target for one in given if isinstance(one, CacheEntry) for target in one.targets],
        )
        if isinstance(last, Failure):
            answer = _answer(f"none: {last.text}", targets)
            return _Resolved(verdict, False, answer, packet, asked[0])
        answer = _answer(self._ending(last, qtype), targets)
        return _Resolved(self._observer.verdict, True, answer, packet, asked[0])

    def _cached(
        self, view: View, name: bytes, qtype: int, asked: UpstreamQuestion
    ) -> tuple[CachedReply | None, ...]:
        """The reply of each worker from its cache."""
        if self._look_up is None:
            return ()
        replies: list[CachedReply | None] = []
        for worker, cached in enumerate(self._look_up(asked.key)):
            first = cached_answer(asked, cached)
            packet = self._reply(view, name, qtype, partial(self._cached_entry, worker))
            if first is None or not packet:
                replies.append(None)
            else:
                replies.append(CachedReply(worker, received(packet), first.age, first.left))
        return tuple(replies)

    def _cached_entry(self, worker: int, question: UpstreamQuestion) -> CacheEntry | None:
        """The entry that the cache of a worker has for a question."""
        assert self._look_up is not None, "what is cached was looked up"
        answer = cached_answer(question, self._look_up(question.key)[worker])
        return None if answer is None else answer.entry

    def _reply(
        self, view: View, name: bytes, qtype: int,
        find: Callable[[UpstreamQuestion], CacheEntry | Failure | None],
    ) -> bytes:  # fmt: skip
        """The engine's reply, with what ``find`` gives for upstreams; empty if that is nothing."""
        self._engine.cache.failures.clear()
        result = self._engine.respond(_client(view), view, _query(name, qtype), 0.0)
        while isinstance(result, PendingReply):
            answer = find(result.question)
            if answer is None:
                return b""
            result = self._engine.conclude(result, answer, 0.0)
        return result.packet

    def _ending(self, response: CacheEntry, qtype: int) -> str:
        """How the last answer of an upstream ends, for the verdict that the observer has."""
        end = response.unfinished
        if self._observer.verdict.outcome in _WITHHELD or not end:
            rcode = codes.rcode_text(response.rcode)
            return f"{rcode}, by the national filter" if response.filter_address else rcode
        zone = self._snapshot.routing.find(end, qtype)
        if zone is not None and zone.group is None:
            return f"{names.text(end)} is answered here"
        return "none: more aliases than are followed"

    def _explanation(
        self, client: str | None, view: View | None, name: bytes, qtype: int
    ) -> Explanation:
        if view is None:
            resolved, decided_by = _Resolved(Verdict(Outcome.REFUSED)), refused_step(client)
        else:
            resolved, decided_by = self._explain(view, name, qtype)
        compiled, verdict = self.compiled, resolved.verdict
        effect = view.effect if view is not None else None
        policy = effect.policy if effect is not None else None
        blocked = verdict.outcome in (*_WITHHELD, Outcome.WOULD_BLOCK)
        exemption = compiled.exemptions[verdict.exemption].id if verdict.exemption >= 0 else ""
        hours = self._steps.hours(view, verdict, self.wall) if view is not None else ALL_HOURS
        asked, reply = resolved.asked, received(resolved.packet) if resolved.packet else None
        cached = () if view is None or asked is None else self._cached(view, name, qtype, asked)
        return Explanation(
            client=client,
            vlan=compiled.vlans[view.vlan].name if view is not None else "unknown",
            policy=policy.name if policy else "",
            name=names.text(name),
            type=codes.type_text(qtype),
            outcome=verdict.outcome.label,
            service=self.service(verdict),
            rule=verdict.rule_text,
            list=compiled.sources[verdict.source].file if verdict.source >= 0 else "",
            line=self._snapshot.judge.line(verdict) or None,
            directive=effect.ground(verdict.service).directive if effect and blocked else "",
            contact=policy.contact if policy and blocked else "",
            exemption=exemption,
            hours=hours.text,
            until=self._steps.moment(hours.changes),
            matched=(verdict.target_text or names.text(name))
            if verdict.rule_text or verdict.address
            else "",
            targets="checked" if resolved.checked else "not checked",
            answer=resolved.answer,
            decided_by=decided_by,
            asked_now=reply if asked else None,
            cached=cached,
            receives=_REFUSED if not view else sure_reply(cached) if asked else reply,
            upstream=_upstream(compiled, asked.group.decode()) if asked else "",
        )


def _upstream(compiled: CompiledConfig, group: str) -> str:
    """The section of the config that names a group's servers, and these."""
    servers = next(upstreams.servers for upstreams in compiled.groups if upstreams.name == group)
    return f"{group_section(compiled.forward, group)}: {', '.join(map(str, servers))}"


def _is_settled(verdict: Verdict) -> bool:
    """Whether the targets of an answer are not judged after this verdict on the question."""
    return verdict.outcome is Outcome.BLOCKED or verdict.by_allow


def _client(view: View) -> Client:
    return Client(b"", UDP, view, UNLIMITED, {}, LastQuery())


def _query(name: bytes, qtype: int) -> Query:
    question = render.question(name, qtype)
    profile = QueryProfile(codes.RD, qtype=qtype, has_question=True, has_opt=True, transport=TCP)
    return Query(b"\x00\x00", name, question, profile)


def _answer(what: str, seen: list[bytes]) -> str:
    by_way_of = ", ".join(dict.fromkeys(map(names.text, seen)))
    return f"{what}, by way of {by_way_of}" if seen else what
