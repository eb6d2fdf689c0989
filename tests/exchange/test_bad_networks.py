"""What names cost through bad networks: upstream queries a name, and seconds until the answers."""

import heapq
import itertools
import random
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import pytest
from dnslib import RR, DNSRecord

from resolver.dns import names
from resolver.dns.render import QueryProfile
from resolver.exchange.attempt import Attempt
from resolver.exchange.entry import CacheEntry
from resolver.exchange.exchange import Exchange, Step
from resolver.exchange.question import UpstreamQuestion
from resolver.exchange.servers import Group, Server

IDENT = 0x1234
NOW = 1000.0
TICK = 0.025
RATE = 200
NAMES = 1000
FAST = 0.001


def answer(message: bytes) -> bytes:
    asked = DNSRecord.parse(IDENT.to_bytes(2, "big") + message)
    made = asked.reply(ra=1, aa=0)
    made.add_answer(*RR.fromZone(f"{asked.q.qname} 300 IN A 192.0.2.80"))
    return bytes(made.pack())


class Cost(NamedTuple):
    """What the names have cost."""

    queries: float
    """Upstream queries a name."""
    took: list[float]
    """Seconds until each answer, in order of their length."""

    def within(self, share: float) -> float:
        """The seconds in which this share of all names was answered."""
        return self.took[int(NAMES * share)]


class Link:
    """A link to servers that answers cross after some time, or never."""

    def __init__(
        self, servers: int, delay: Callable[[Server, float], float | None], loss: float
    ) -> None:
        self._servers = [Server(f"192.0.2.{n}", 53, f"server {n}") for n in range(servers)]
        for server in self._servers:
            server.answered(FAST, NOW - 1)
        self._group = Group("", self._servers)
        self._delay = delay
        """The seconds that a server needs at a time; None: it does not answer."""
        self._loss = loss
        """The share of the packets over UDP that are lost, each way."""
        self._random = random.Random(1)
        self._events: list[tuple[float, int, Callable[[float], None]]] = []
        self._order = itertools.count()
        self._queries = 0
        self._took: dict[Exchange, float] = {}

    def ask(self) -> Cost:
        """Ask for all names at a steady rate."""
        for number in range(NAMES):
            self._at(NOW + number / RATE, partial(self._begin, number))
        while self._events:
            now, _, event = heapq.heappop(self._events)
            event(now)
        return Cost(self._queries / NAMES, sorted(self._took.values()))

    def _at(self, moment: float, event: Callable[[float], None]) -> None:
        heapq.heappush(self._events, (moment, next(self._order), event))

    def _begin(self, number: int, now: float) -> None:
        name = names.parse(f"www.n{number}.example")
        question = UpstreamQuestion(name, QueryProfile(0x0100, qtype=1), b"")
        exchange = Exchange(question)
        self._go_on(exchange, now, exchange.begin(self._group, now), now)
        if exchange.probe is not None:
            self._queries += 1

    def _go_on(self, exchange: Exchange, began: float, step: Step | None, now: float) -> None:
        if isinstance(step, CacheEntry):
            self._took[exchange] = now - began
        if isinstance(step, Attempt):
            self._queries += 1
            delay = self._delay(step.server, now)
            if delay is not None and not (self._is_lost() or self._is_lost()):
                self._at(now + delay, partial(self._receive, exchange, began, step))
            self._look_later(exchange, began, step, step.until)

    def _is_lost(self) -> bool:
        return self._random.random() < self._loss

    def _look_later(
        self, exchange: Exchange, began: float, attempt: Attempt, moment: float
    ) -> None:
        late = self._random.random() * TICK
        self._at(moment + late, partial(self._look, exchange, began, attempt))

    def _receive(self, exchange: Exchange, began: float, attempt: Attempt, now: float) -> None:
        if exchange not in self._took:
            step = exchange.received(attempt, answer(attempt.message), IDENT, now)
            self._go_on(exchange, began, step, now)

    def _look(self, exchange: Exchange, began: float, attempt: Attempt, now: float) -> None:
        if exchange in self._took or attempt is not exchange.current:
            return
        if exchange.has_more_time(attempt, now):
            self._look_later(exchange, began, attempt, now)
        else:
            self._go_on(exchange, began, exchange.expired(attempt, now), now)


def test_a_clean_link_costs_one_query_a_name() -> None:
    cost = Link(1, lambda *_: FAST, 0.0).ask()
    assert cost.queries == 1.0
    assert len(cost.took) == NAMES


@pytest.mark.parametrize(
    ("seconds", "queries"), [(1.0, 1.1), (1.5, 1.3), (2.0, 1.6)], ids=["1 s", "1.5 s", "2 s"]
)
def test_an_upstream_that_has_become_slow_is_asked_little_more_often(
    seconds: float, queries: float
) -> None:
    cost = Link(1, lambda *_: seconds, 0.0).ask()
    assert cost.queries <= queries
    assert cost.within(0.999) == pytest.approx(seconds)


@pytest.mark.parametrize(("servers", "seconds"), [(1, 0.2), (2, 0.3)])
def test_where_packets_are_lost_the_next_is_sent_soon(servers: int, seconds: float) -> None:
    """30 % each way: half of the queries. Half of those over TCP here, too."""
    cost = Link(servers, lambda *_: FAST, 0.3).ask()
    assert cost.queries <= 2.05
    assert cost.within(0.9) <= seconds


def test_names_wait_for_no_longer_than_an_outage_of_their_only_upstream() -> None:
    """It is up for 0.6 s, and down for 0.9 s."""
    cost = Link(1, lambda _, now: FAST if now % 1.5 < 0.6 else None, 0.0).ask()
    assert len(cost.took) == NAMES
    assert cost.within(0.999) <= 0.9 + 3 * TICK
    assert cost.queries <= 2.0


def test_one_of_two_that_is_dead_costs_no_name_more_than_a_moment() -> None:
    cost = Link(2, lambda server, _: None if server.name == "server 0" else FAST, 0.0).ask()
    assert cost.within(0.999) <= 0.1
    assert cost.queries <= 1.1
