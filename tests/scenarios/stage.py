"""Plays a scenario: the pure core, with a clock that is only told and upstreams that are only said.

What is real: query, policy, cache, the exchange's decisions, and every byte on either side.
"""

import heapq
import itertools
import json
import re
from collections import Counter
from collections.abc import Callable
from functools import cache, partial
from math import inf

from dnslib import EDNS0, DNSHeader, DNSRecord

from resolver.dns.transport import Transport
from resolver.engine.cache import AnswerCache
from resolver.engine.engine import Engine
from resolver.engine.loaded_snapshot import LoadedSnapshot
from resolver.engine.result import Drop, PendingReply, Reply
from resolver.exchange.attempt import Attempt
from resolver.exchange.entry import CacheEntry
from resolver.exchange.exchange import LATE
from resolver.exchange.exchange import Step as NextStep
from resolver.exchange.failure import Failure
from resolver.exchange.in_flight import QueryInFlight
from resolver.exchange.question import UpstreamQuestion
from resolver.exchange.servers import Group, Server
from resolver.policy.compiled import CompiledConfig
from resolver.policy.filter_addresses import FilterAddresses
from resolver.policy.index import Index
from resolver.policy.prefixes import packed
from resolver.snapshot.snapshot import Snapshot
from resolver.upstream.forwarder import TICK
from tests.compiler.texts import compile_texts
from tests.scenarios.file import AGENCY, Scenario, Step, Told
from tests.scenarios.packets import (
    error_option,
    opts,
    query,
    question,
    rcode_number,
    record,
    set_flags,
)

BOOT = 5000.0
"""What the monotonic clock shows at a scenario's beginning."""

_FIRST_TABLE = re.compile(r"^(?=\[)|\Z", re.MULTILINE)

FRONT = "a server in front"
"""The client of a query that dnsdist asks for itself."""

AGENCY_CONFIG = (AGENCY / "config.toml").read_text(encoding="utf-8")
AGENCY_LISTS = {
    path.stem: path.read_text(encoding="utf-8") for path in AGENCY.glob("blocklists/*.txt")
}


@cache
def snapshot_of(config: str, lists: tuple[tuple[str, str], ...]) -> Snapshot:
    """The snapshot of a config; anything wrong with it is a mistake in the scenario."""
    return compile_texts(config, dict(lists))


class Upstreams:
    """Servers that do as they are told, and remember who was asked how."""

    def __init__(self, told: list[Told]) -> None:
        self._told = told
        self._used: Counter[int] = Counter()
        self.asked: list[str] = []

    def ask(self, attempt: Attempt, ident: int) -> tuple[Told, bytes]:
        """What is done with an attempt, and the packet that comes back, if any does."""
        asked = DNSRecord.parse(ident.to_bytes(2, "big") + attempt.message)
        over = "tcp" if attempt.stream else "udp"
        self.asked.append(f"{attempt.server.address} {over}")
        told = self._find(asked, attempt.server.address, over)
        return told, _packet(told, asked)

    def _find(self, asked: DNSRecord, server: str, over: str) -> Told:
        wanted = str(asked.q)
        asking = _marks(asked)
        for place, told in enumerate(self._told):
            fits = (
                str(question(told.question)) == wanted
                and told.server in ("", server)
                and told.over in ("", over)
                and (told.asking is None or set(told.asking) == asking)
                and self._used[place] < told.times
            )
            if fits:
                self._used[place] += 1
                return told
        raise AssertionError(f"no upstream was told what to do with {wanted} {asking}")


def _marks(asked: DNSRecord) -> set[str]:
    """How an upstream was asked, in the words of a scenario."""
    marks = set_flags(asked) & {"cd"}
    for opt in opts(asked):
        marks.add("edns")
        if opt.edns_do:
            marks.add("do")
    return marks


def _packet(told: Told, asked: DNSRecord) -> bytes:
    header = DNSHeader(id=asked.header.id, qr=1, rd=1, ra=1, rcode=0)
    header.rcode = rcode_number(told.rcode) & 15
    for flag in told.flags:
        getattr(header, f"set_{flag.removeprefix('no-')}")(not flag.startswith("no-"))
    reply = DNSRecord(header, q=asked.q)
    match told.does:
        case "truncates":
            header.set_tc(1)
        case "answers with a wrong ID":
            header.id ^= 1
        case "answers another question":
            reply.questions = [question("other.example.org A")]
        case "answers with a bare header":
            return bytes(DNSRecord(header).pack())
        case "answers a query":
            header.set_qr(0)
        case "cannot read OPT" if opts(asked):
            header.rcode = 1
            return bytes(reply.pack())
    reply.add_answer(*map(record, told.answer))
    reply.add_auth(*map(record, told.authority))
    reply.add_ar(*map(record, told.additional))
    if opts(asked):
        options = [error_option(told.ede)] if told.ede else []
        reply.add_ar(EDNS0(udp_len=1232, ext_rcode=rcode_number(told.rcode) >> 4, opts=options))
    packet = bytes(reply.pack())
    return packet[:-3] if told.does == "breaks off" else packet


def loaded(snapshot: Snapshot, wall: float) -> LoadedSnapshot:
    return LoadedSnapshot(snapshot.compiled, Index(snapshot.trie, snapshot.rules), wall)


def _origin(client: str) -> bytes:
    """The address of a client, with its scope if it has one."""
    if client == FRONT:
        return b""
    scope = client.partition("%")[2]
    return packed(client) + (int(scope).to_bytes(4) if scope else b"")


class Played:
    """What has come of a step until now."""

    def __init__(self, began: float) -> None:
        self.began = began
        self.took = 0.0
        """Seconds until the result."""
        self.result: Reply | Drop | None = None
        self.compiled: CompiledConfig | None = None
        """The config that the result was made with."""
        self.asked: list[str] = []
        """The servers that were asked since this step, and before the next one."""


class Stage:
    """A scenario's engine, clock and upstreams."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.upstreams = Upstreams(scenario.upstream)
        self.servers: dict[tuple[str, int], Server] = {}
        self._now = BOOT
        self._events: list[tuple[float, int, Callable[[], object]]] = []
        self._order = itertools.count()
        self._live: dict[bytes, QueryInFlight[PendingReply]] = {}
        self._waiting: dict[PendingReply, Played] = {}
        self._open: set[Attempt] = set()
        """The attempts that can be answered."""
        self._ident = 0x7A00
        snapshot = self._compiled(scenario.more)
        self.engine = Engine(
            loaded(snapshot, scenario.moment.timestamp()),
            AnswerCache(snapshot.compiled.settings.cache_bytes),
            interface_name=lambda scope: str(int.from_bytes(scope)),
        )

    def _compiled(self, more: str) -> Snapshot:
        lists = tuple(sorted((AGENCY_LISTS | self.scenario.lists).items()))
        upstream = f"[upstream]\nservers = {json.dumps(self.scenario.servers)}\n"
        upstream += f"trust_ad = {json.dumps(self.scenario.trust_ad)}\n"
        keys, tables = _FIRST_TABLE.split(more, maxsplit=1) if more else ("", "")
        return snapshot_of(f"{upstream}{keys}\n{AGENCY_CONFIG}{tables}", lists)

    def play(self) -> list[Played]:
        """What comes of each step."""
        played = []
        for step in self.scenario.step:
            while self._waiting if step.at is None else self._comes_before(BOOT + step.at):
                self._let_happen()
            self._now = self._now if step.at is None else BOOT + step.at
            played.append(Played(self._now))
            self._ask(step, played[-1])
        while self._waiting:
            self._let_happen()
        return played

    def _comes_before(self, moment: float) -> bool:
        return bool(self._events) and self._events[0][0] <= moment

    def _let_happen(self) -> None:
        self._now, _, event = heapq.heappop(self._events)
        event()

    def _at(self, moment: float, event: Callable[[], object]) -> None:
        heapq.heappush(self._events, (max(moment, self._now), next(self._order), event))

    def _ask(self, step: Step, played: Played) -> None:
        wall = self.scenario.moment.timestamp() + self._now - BOOT
        if step.reload is not None:
            snapshot = self._compiled(step.reload)
            self.engine.replace(loaded(snapshot, wall))
        self.engine.advance(wall, self._now)
        self.upstreams.asked = played.asked
        self.engine.draining = step.draining
        client = self.engine.clients.of(_origin(step.client), Transport[step.over.upper()])
        self._go_on(played, self.engine.answer(client, query(step), self._now))

    def _go_on(self, played: Played, result: Reply | PendingReply | Drop) -> None:
        if isinstance(result, PendingReply):
            self._waiting[result] = played
            self._start(result.question, result)
            return
        played.result, played.compiled = result, self.engine.compiled
        played.took = self._now - played.began
        if isinstance(result, Reply) and result.refresh is not None:
            self._start(result.refresh, None)

    def _start(self, question: UpstreamQuestion, pending: PendingReply | None) -> None:
        """Join the exchange about a question, or begin it, or its next round."""
        live = self._live.get(question.key)
        has_failed = self.engine.cache.failures.has_failed(question.key, self._now)
        group = self._group(question.group.decode())
        step: NextStep | None = None
        if live is None:
            live = self._live[question.key] = QueryInFlight(question)
            step = live.exchange.begin(group, self._now, has_failed)
        elif live.exchange.current is None and pending is not None:
            step = live.exchange.begin(group, self._now, has_failed)
        if pending is not None:
            live.wait(pending)
        probe, live.exchange.probe = live.exchange.probe, None
        if probe is not None:
            told, packet = self.upstreams.ask(probe, self._ident)
            if told.does not in ("is silent", "refuses", "cannot be sent to"):
                at = self._now + told.after
                self._at(at, partial(live.exchange.probed, probe, packet, self._ident, at))
        self._do_steps(live, step)

    def _do_steps(self, live: QueryInFlight[PendingReply], step: NextStep | None) -> None:
        while isinstance(step, Attempt):
            step = self._send(live, step)
        if step is None:
            if live.exchange.current is None:
                self.engine.cache.note_failure(live.exchange, live.exchange.slow(), self._now)
            self._look_at_waiters(live)
            return
        key = live.exchange.question.key
        del self._live[key]
        self._open.difference_update([live.exchange.current, *live.exchange.late])
        self.engine.cache.remember(key, step, self._now)
        if isinstance(step, Failure):
            self.engine.cache.note_failure(live.exchange, step, self._now)
        for pending in live.end():
            self._conclude(pending, step)

    def _conclude(self, pending: PendingReply, outcome: CacheEntry | Failure) -> None:
        played = self._waiting.pop(pending)
        self._go_on(played, self.engine.conclude(pending, outcome, self._now))

    def _look_at_waiters(self, live: QueryInFlight[PendingReply]) -> None:
        stale = self.engine.cache.has_stale(live.exchange.question.key, self._now)
        for pending in live.take_due(stale, self._now):
            self._conclude(pending, live.exchange.slow())
        if live.look_at < inf:
            self._at(live.look_at, partial(self._look_at_waiters, live))

    def _send(self, live: QueryInFlight[PendingReply], attempt: Attempt) -> NextStep | None:
        told, packet = self.upstreams.ask(attempt, self._ident)
        match told.does:
            case "has no room":
                self.upstreams.asked.pop()  # it was not asked
                return live.exchange.tcp_unavailable(attempt, self._now)
            case "closes the connection":
                return live.exchange.closed(attempt, self._now)
            case "refuses" | "cannot be sent to":
                self._at(attempt.until, partial(self._wait_in_vain, live, attempt))
                by_icmp = told.does == "refuses" and not attempt.stream
                report = live.exchange.refused if by_icmp else live.exchange.unreachable
                return report(attempt, self._now)
        self._open.add(attempt)
        if told.does != "is silent":
            self._at(self._now + told.after, partial(self._receive, live, attempt, packet))
        self._at(attempt.until, partial(self._expire, live, attempt))
        self._at(attempt.began + LATE, partial(self._drop, live, attempt))
        return None

    def _receive(self, live: QueryInFlight[PendingReply], attempt: Attempt, packet: bytes) -> None:
        if attempt in self._open:
            self._open.discard(attempt)
            self._do_steps(live, live.exchange.received(attempt, packet, self._ident, self._now))

    def _expire(self, live: QueryInFlight[PendingReply], attempt: Attempt) -> None:
        if attempt not in self._open:
            return
        if live.exchange.has_more_time(attempt, self._now):
            self._at(self._now + TICK, partial(self._expire, live, attempt))
        else:
            self._do_steps(live, live.exchange.expired(attempt, self._now))

    def _wait_in_vain(self, live: QueryInFlight[PendingReply], attempt: Attempt) -> None:
        if attempt is live.exchange.current:
            self._do_steps(live, live.exchange.waited(attempt, self._now))

    def _drop(self, live: QueryInFlight[PendingReply], attempt: Attempt) -> None:
        if attempt in self._open:
            self._open.discard(attempt)
            self._do_steps(live, live.exchange.dropped(attempt, self._now))

    def _group(self, name: str) -> Group:
        (group,) = (g for g in self.engine.compiled.groups if g.name == name)
        servers = [self._server(server.host, server.port) for server in group.servers]
        of_filter = FilterAddresses(self.engine.compiled.filter_ranges)
        return Group(name, servers, servers if group.trust_ad else (), of_filter)

    def _server(self, host: str, port: int) -> Server:
        return self.servers.setdefault((host, port), Server(host, port, host))
