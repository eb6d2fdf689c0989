"""Plays a scenario: the pure core, with a clock that is only told and upstreams that are only said.

What is real: query, policy, cache, the exchange's decisions, and every byte on either side.
"""

import heapq
import itertools
import json
from collections import Counter
from functools import cache

from dnslib import EDNS0, DNSHeader, DNSRecord

from resolver.engine.cache import AnswerCache
from resolver.engine.engine import Engine
from resolver.engine.entry import CacheEntry
from resolver.engine.exchange import Attempt, Exchange, Failure
from resolver.engine.exchange import Step as NextStep
from resolver.engine.loaded_snapshot import LoadedSnapshot
from resolver.engine.question import UpstreamQuestion
from resolver.engine.result import Drop, PendingReply, Reply
from resolver.engine.servers import Group, Server
from resolver.policy.compiled import Snapshot
from resolver.policy.index import Index
from resolver.policy.prefixes import packed
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
from tests.snapshot.texts import compile_texts

BOOT = 5000.0
"""What the monotonic clock shows at a scenario's beginning."""

FRONT = "a server in front"
"""The client of a query that dnsdist asks for itself."""

AGENCY_CONFIG = (AGENCY / "config.toml").read_text(encoding="utf-8")
AGENCY_LISTS = {
    path.stem: path.read_text(encoding="utf-8") for path in AGENCY.glob("blocklists/*.txt")
}


@cache
def compiled(config: str, lists: tuple[tuple[str, str], ...]) -> Snapshot:
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
    for each in opts(asked):
        marks.add("edns")
        if each.edns_do:
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


class Events:
    """What is going to happen to attempts, in order of time."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Attempt, bytes | None]] = []
        self._order = itertools.count()
        self._over: list[Attempt] = []

    def add(self, attempt: Attempt, packet: bytes | None, comes: float) -> None:
        """An attempt ends in time; its reply, if there is one, comes at a moment."""
        if packet is not None:
            heapq.heappush(self._heap, (comes, next(self._order), attempt, packet))
        heapq.heappush(self._heap, (attempt.until, next(self._order), attempt, None))

    def next(self) -> tuple[float, Attempt, bytes | None]:
        """When something happens: an attempt's reply comes, or (None) its time is over."""
        while True:
            now, _, attempt, packet = heapq.heappop(self._heap)
            if not any(each is attempt for each in self._over):
                # Only over UDP is a reply still listened to when its time is over.
                if packet is not None or attempt.stream:
                    self._over.append(attempt)
                return now, attempt, packet


def loaded(snapshot: Snapshot, wall: float) -> LoadedSnapshot:
    return LoadedSnapshot(snapshot.terms, Index(snapshot.trie, snapshot.rules), wall)


class Stage:
    """A scenario's engine, clock and upstreams."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.upstreams = Upstreams(scenario.upstream)
        self.servers: dict[tuple[str, int], Server] = {}
        self._ident = 0x7A00
        snapshot = self._compiled(scenario.more)
        self.engine = Engine(
            loaded(snapshot, scenario.moment.timestamp()),
            AnswerCache(snapshot.terms.settings.cache_bytes),
        )

    def _compiled(self, more: str) -> Snapshot:
        lists = tuple(sorted((AGENCY_LISTS | self.scenario.lists).items()))
        upstream = f"[upstream]\nservers = {json.dumps(self.scenario.servers)}\n"
        return compiled(upstream + AGENCY_CONFIG + more, lists)

    def play(self, step: Step) -> tuple[Reply | Drop, float]:
        """What comes of a step, and the seconds that it took."""
        wall = self.scenario.moment.timestamp() + step.at
        now = began = BOOT + step.at
        if step.reload is not None:
            snapshot = self._compiled(step.reload)
            self.engine.replace(loaded(snapshot, wall))
        self.engine.advance(wall, now)
        self.upstreams.asked = []
        self.engine.draining = step.draining
        address = b"" if step.client == FRONT else packed(step.client)
        client = self.engine.client(address, step.over == "tcp")
        result = self.engine.answer(client, query(step), now)
        while isinstance(result, PendingReply):
            outcome, now = self._exchange(result.question, now)
            result = self.engine.conclude(result, outcome, now)
        if isinstance(result, Reply) and result.refresh is not None:
            self._exchange(result.refresh, now)  # which nobody waits for
        return result, now - began

    def _exchange(
        self, question: UpstreamQuestion, now: float
    ) -> tuple[CacheEntry | Failure, float]:
        """Ask until the exchange ends: its end, and when that is."""
        exchange = Exchange(question, self._group(question.group.decode()), now)
        events = Events()
        step: NextStep | None = exchange.begin(now)
        while step is None or isinstance(step, Attempt):
            if step is None:
                now, attempt, came = events.next()
                if came is None:
                    step = exchange.expired(attempt, now)
                else:
                    step = exchange.received(attempt, came, self._ident, now)
                continue
            told, packet = self.upstreams.ask(step, self._ident)
            if told.does == "has no room":
                self.upstreams.asked.pop()  # it was not asked
                step = exchange.crowded(now)
                continue
            if told.does == "closes the connection":
                step = exchange.closed(step, now)
                continue
            if told.does == "refuses":
                attempt, step = step, exchange.unreachable(step, now)
                if step is None:
                    events.add(attempt, None, now)
                continue
            events.add(step, None if told.does == "is silent" else packet, now + told.after)
            step = None
        if isinstance(step, CacheEntry):
            step = self.engine.cache.remember(question.key, step)
        return step, now

    def _group(self, name: str) -> Group:
        (servers,) = (g.servers for g in self.engine.terms.groups if g.name == name)
        return Group(name, [self._server(each.host, each.port) for each in servers])

    def _server(self, host: str, port: int) -> Server:
        return self.servers.setdefault((host, port), Server(host, port, host))
