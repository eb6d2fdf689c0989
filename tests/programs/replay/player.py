# ruff: noqa: ANN401 - what a tree hands out is of a type of its own
"""``python -m tests.programs.replay.player``: play a script through one tree's core.

The replay starts it twice, each time with another ``resolver`` on the import path. What is
particular to a tree is in its adapter; here are the clock, the questions on their way, and
what is noted of every packet. All of it is simulated: no socket, no real time.

An adapter's results are ``Answered``, ``Silent`` or ``Waits``; its attempts and exchanges are
those of ``exchange.exchange``.
"""

import argparse
import heapq
import itertools
import math
import pickle
from collections import deque
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO

from tests.programs.replay import upstream
from tests.programs.replay.note import Answered, Note, Silent, Waits
from tests.programs.replay.script import (
    TICK,
    WALL,
    Flush,
    Packet,
    Pass,
    Reload,
    Shift,
    Step,
    steps,
)

_BOOT = 5000.0
"""What the monotonic clock shows at the beginning."""
_IDENT = 0x7A00
_PATIENCE = 1.8
"""Seconds that a query waits whose answer needs several links of a chain."""


class Flight:
    """A question on its way, and who waits."""

    def __init__(self, exchange: Any, note: Note) -> None:
        self.exchange = exchange
        self.note = note
        """Of the packet that has led to it."""
        self.waiters: list[tuple[Waits, Note]] = []
        self.over: list[Any] = []
        """Attempts whose end means nothing any more."""
        self.landed = False


class Player:
    """One tree, its clock, and the questions on their way."""

    def __init__(self, tree: Any) -> None:
        self._tree = tree
        self._now = _BOOT
        self._shift = 0.0
        self._flights: dict[Any, Flight] = {}
        self._events: list[tuple[float, int, Any, tuple[Any, ...]]] = []
        self._order = itertools.count()

    @property
    def _wall(self) -> float:
        return WALL + self._now - _BOOT + self._shift

    def play(self, script: Iterator[Step]) -> Iterator[Note]:
        """Play all of it; the note of each packet, in order, when it is complete."""
        notes: deque[Note] = deque()
        for step in script:
            match step:
                case Packet():
                    notes.append(self._take(step))
                case Pass(seconds):
                    self._pass(seconds)
                case Shift(seconds):
                    self._shift += seconds
                    self._tree.advance(self._wall, self._now)
                case Reload(config):
                    self._tree.reload(config, self._wall)
                    self._tree.advance(self._wall, self._now)
                case Flush(zone):
                    notes.append(Note("flush", zone, ended=self._now))
                    notes[-1].labels.append(("flushed", self._tree.flush(zone)))
            while notes and notes[0].ended and not notes[0].open:
                yield notes.popleft()
        self._pass(60.0)
        yield from notes
        total = Note("totals", b"", ended=self._now)
        total.labels.extend(self._tree.totals())
        yield total

    def _pass(self, seconds: float) -> None:
        """Let time pass, and let happen what happens meanwhile."""
        end = self._now + seconds
        while self._events and self._events[0][0] <= end:
            self._now, _, happens, arguments = heapq.heappop(self._events)
            self._tree.advance(self._wall, self._now)
            happens(*arguments)
        self._now = end
        if seconds:
            self._tree.advance(self._wall, self._now)

    def _at(self, moment: float, happens: Any, *arguments: Any) -> None:
        """Let something happen at the first tick that is not before a moment."""
        tick = max(math.ceil(moment / TICK) * TICK, self._now)
        heapq.heappush(self._events, (tick, next(self._order), happens, arguments))

    def _take(self, packet: Packet) -> Note:
        over = "tcp" if packet.stream else "udp"
        note = Note(f"{packet.address} {over}", packet.octets, began=self._now)
        self._tree.heard = note.observed
        result = self._tree.answer(packet.octets, packet.address, packet.stream, self._now)
        self._follow(result, note)
        return note

    def _follow(self, result: Answered | Silent | Waits, note: Note) -> None:
        if isinstance(result, Waits):
            self._forward(result, note)
            return
        note.ended = self._now
        note.labels.append(result.labels)
        if isinstance(result, Answered):
            note.replies.append(result.octets)
            if result.refresh is not None and result.refresh not in self._flights:
                self._take_off(result.refresh, note)

    def _forward(self, waits: Waits, note: Note) -> None:
        flight = self._flights.get(waits.key)
        begun = flight is None
        if flight is None:
            flight = self._flights[waits.key] = Flight(self._exchange(waits.key), note)
        flight.waiters.append((waits, note))
        if waits.began is not None:
            self._at(waits.began + _PATIENCE, self._give_up, flight, waits, note)
        if begun:
            self._begin(flight)

    def _take_off(self, key: Any, note: Note) -> None:
        """Ask anew for the cache, though nobody waits."""
        flight = self._flights[key] = Flight(self._exchange(key), note)
        self._begin(flight)

    def _exchange(self, key: Any) -> Any:
        return self._tree.exchange(key, self._now)

    def _begin(self, flight: Flight) -> None:
        flight.note.open += 1
        self._go_on(flight, flight.exchange.begin(self._now))

    def _go_on(self, flight: Flight, step: Any) -> None:
        """Do what the exchange has decided, until something has to be waited for."""
        while isinstance(step, self._tree.attempt):
            step = self._send(flight, step)
        if step is None and getattr(flight.exchange, "is_over", False):
            step = flight.exchange.end()  # the tree before did not wait for late answers
        if step is not None:
            self._land(flight, step)

    def _send(self, flight: Flight, attempt: Any) -> Any:
        server, stream, message = attempt.server.address, attempt.stream, attempt.message
        came = upstream.answer(message, _IDENT, server, stream, self._now)
        flight.note.asked.append((self._now, server, "tcp" if stream else "udp", bytes(message)))
        if came.does == "crowded":
            return flight.exchange.crowded(self._now)
        if came.does == "unreachable":
            step = flight.exchange.unreachable(attempt, self._now)
            if step is None:
                self._at(attempt.until, self._end, flight, attempt, "waited")
            return step
        if came.packet is not None:
            self._at(self._now + came.after, self._receive, flight, attempt, came.packet)
        self._at(attempt.until, self._end, flight, attempt, "expired")
        return None

    def _receive(self, flight: Flight, attempt: Any, packet: bytes) -> None:
        if flight.landed or attempt in flight.over:
            return
        flight.over.append(attempt)
        self._go_on(flight, flight.exchange.received(attempt, packet, _IDENT, self._now))

    def _end(self, flight: Flight, attempt: Any, how: str) -> None:
        """An attempt's time is over; only over UDP is it still listened to."""
        if flight.landed or attempt in flight.over:
            return
        if attempt.stream:
            flight.over.append(attempt)
        self._go_on(flight, getattr(flight.exchange, how)(attempt, self._now))

    def _land(self, flight: Flight, result: Any) -> None:
        key = flight.exchange.key
        del self._flights[key]
        flight.landed = True
        result = self._tree.remember(key, result, self._now)
        waiters, flight.waiters = flight.waiters, []
        for waits, note in waiters:
            self._tree.heard = note.observed
            self._follow(self._tree.conclude(waits.token, result, self._now), note)
        flight.note.open -= 1

    def _give_up(self, flight: Flight, waits: Waits, note: Note) -> None:
        if (waits, note) in flight.waiters:
            flight.waiters.remove((waits, note))
            self._tree.heard = note.observed
            self._follow(self._tree.give_up(waits.token), note)


def main() -> None:
    """Play the script that the options name; write the notes."""
    parser = argparse.ArgumentParser(prog="python -m tests.programs.replay.player")
    parser.add_argument("adapter", choices=("tree_before", "tree_now"))
    parser.add_argument("seed", type=int)
    parser.add_argument("packets", type=int)
    parser.add_argument("notes", type=Path)
    options = parser.parse_args()
    tree = import_module(f"tests.programs.replay.{options.adapter}").Tree()
    with options.notes.open("wb") as notes:
        for note in Player(tree).play(steps(options.seed, options.packets)):
            _write(note, notes)


def _write(note: Note, to: BinaryIO) -> None:
    pickle.dump(note, to, pickle.HIGHEST_PROTOCOL)


if __name__ == "__main__":
    main()
