"""The load: clients of several VLANs ask over UDP and TCP at a steady rate; each reply is judged.

How it works: one thread asks a question each 1/rate of a second, and reads replies meanwhile. A
question without a reply within ``PATIENCE`` is lost, and so is one whose connection ends. Nothing
is asked again, though real clients would. Each question counts in the tally in which it was sent.
A burst is asked besides, as fast as the server answers.
"""

import random
import selectors
import threading
import time
from collections import deque
from collections.abc import Callable

from tests.programs.attacks import wire
from tests.programs.chaos import truth
from tests.programs.chaos.clients import Client, Pending, TcpClient, UdpClient
from tests.programs.chaos.tally import Tally
from tests.programs.chaos.truth import Kind, Question, Truth, Verdict, WrongAnswer

PATIENCE = 5.0
"""Seconds after which a client gives up."""
_UDP_SOCKETS = 2
"""For each address; the kernel gives each to one of the workers."""
_TCP_SHARE = 0.2
_SINGLE_SHARE = 0.2
"""Of the questions over TCP: those on a connection of their own."""
_PASSING_SHARE = 0.2
"""Of the questions over UDP: those of a client that asks nothing else."""
_EDNS_SHARE = 0.5
_IN_FLIGHT = 64
"""Questions of a burst that wait for their replies, at most."""
_SHARES = {
    Kind.KNOWN: 30,
    Kind.FRESH: 25,
    Kind.BANNED: 25,
    Kind.ALIAS: 10,
    Kind.LISTED: 5,
    Kind.TOGGLED: 5,
}
_NAMES = {Kind.KNOWN: 20, Kind.BANNED: 5, Kind.ALIAS: 3, Kind.LISTED: 2, Kind.TOGGLED: 2}
"""So few that each worker has all of them in its cache soon."""
_KINDS, _WEIGHTS = tuple(_SHARES), tuple(_SHARES.values())
_ZONES = {
    Kind.KNOWN: "known.example",
    Kind.FRESH: truth.FRESH_ZONE,
    Kind.BANNED: truth.BANNED_ZONE,
    Kind.ALIAS: truth.ALIAS_ZONE,
    Kind.LISTED: truth.LISTED_ZONE,
    Kind.TOGGLED: truth.TOGGLED_ZONE,
}


class Load:
    """Asks until it is stopped."""

    def __init__(self, port: int, right: Truth, rate: int, seed: int) -> None:
        self._truth = right
        self._rate = rate
        self._random = random.Random(seed)
        self._selector = selectors.DefaultSelector()
        self._pending: deque[Pending] = deque()
        self._number = 0
        self.tallies = [Tally()]
        """One for each stretch of time; the last one counts now."""
        self._fault: BaseException | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        clients = truth.CLIENTS
        where = (port, self._selector, self._take, self._lose)
        self._udp = [UdpClient(client, *where) for client in clients * _UDP_SOCKETS]
        self._tcp = [TcpClient(client, *where) for client in clients]
        self._single: Callable[[type[UdpClient | TcpClient], str], Client] = lambda kind, text: (
            kind(text, *where, single=True)
        )
        self._passed_by = self._random.randrange(1 << 16)
        self._in_flight = self._hurried = 0

    def __enter__(self) -> "Load":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        for key in [*self._selector.get_map().values()]:
            key.data.close()
        self._selector.close()
        if self._fault is not None:
            raise self._fault

    def start_tally(self) -> Tally:
        """Count the questions from now on in a tally of their own."""
        self.tallies.append(Tally())
        return self.tallies[-1]

    def settled(self, tally: Tally) -> Tally:
        """A tally that no longer counts, once all of its questions have ended."""
        self.start_tally()
        while tally.open and self._thread.is_alive():
            time.sleep(0.02)
        return tally

    def burst(self, count: int) -> Tally:
        """Ask so many questions as fast as they are answered; they have a tally of their own."""
        tally = self.start_tally()
        self._hurried = count
        while self._hurried and self._thread.is_alive():
            time.sleep(0.02)
        return self.settled(tally)

    def _run(self) -> None:
        try:
            began = time.monotonic()
            number = 0
            while not self._stop.is_set():
                now = time.monotonic()
                if self._hurried and self._in_flight < _IN_FLIGHT:
                    self._hurried -= 1
                    self._ask(now)
                elif began + number / self._rate <= now:
                    tally = self.tallies[-1]
                    tally.lag = max(tally.lag, now - began - number / self._rate)
                    number += 1
                    self._ask(now)
                else:
                    self._give_up(now - PATIENCE)
                    for key, events in self._selector.select(began + number / self._rate - now):
                        key.data.ready(events)
        except BaseException as error:  # shown where the load ends
            self._fault = error

    def _ask(self, now: float) -> None:
        client = self._client()
        tally = self.tallies[-1]
        pending = Pending(self._question(client.address), now, tally, client)
        tally.sent += 1
        self._in_flight += 1
        self._pending.append(pending)
        client.ask(pending)

    def _client(self) -> Client:
        chance = self._random.random
        if chance() < _TCP_SHARE:
            if chance() >= _SINGLE_SHARE:
                return self._random.choice(self._tcp)
            return self._single(TcpClient, self._random.choice(truth.CLIENTS))
        if chance() >= _PASSING_SHARE:
            return self._random.choice(self._udp)
        self._passed_by += 1
        return self._single(UdpClient, truth.passer_by(self._passed_by))

    def _question(self, client: str) -> Question:
        [kind] = self._random.choices(_KINDS, _WEIGHTS)
        self._number += 1
        number = self._random.randrange(_NAMES[kind]) if kind in _NAMES else self._number
        qtype = wire.AAAA if number % 4 == 1 else wire.A
        edns = self._random.random() < _EDNS_SHARE
        return Question(kind, client, f"n{number}.{_ZONES[kind]}", qtype, edns)

    def _take(self, pending: Pending, reply: bytes) -> None:
        """Judge a reply."""
        tally, now = pending.tally, time.monotonic()
        self._heard(pending, now)
        if pending.done:  # it came too late
            return
        pending.done = True
        self._in_flight -= 1
        tally.slowest = max(tally.slowest, now - pending.sent)
        try:
            verdict = self._truth.check(pending.question, reply, pending.sent, now)
        except WrongAnswer as error:
            tally.wrong.append(str(error))
        else:
            if verdict is not Verdict.FAILED:
                tally.answered += 1
                return
            tally.failed[pending.question.kind] += 1
        tally.last_bad = max(tally.last_bad, pending.sent)

    def _lose(self, pending: Pending) -> None:
        """The connection of a question has ended, or its time is over."""
        tally, client = pending.tally, pending.client
        if pending.done:
            return
        pending.done = True
        self._in_flight -= 1
        self._heard(pending, time.monotonic())
        tally.lost[client.transport] += 1
        tally.last_bad = max(tally.last_bad, pending.sent)
        if client.single:
            client.close()

    def _heard(self, pending: Pending, now: float) -> None:
        """A socket has a reply, or gives up."""
        client = pending.client
        if client.waiting_since is not None and client.waiting_since <= pending.sent:
            pending.tally.silence = max(pending.tally.silence, now - client.waiting_since)
        client.waiting_since = None

    def _give_up(self, sent_before: float) -> None:
        while self._pending and (self._pending[0].done or self._pending[0].sent < sent_before):
            self._lose(self._pending.popleft())
