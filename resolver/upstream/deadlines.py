"""When attempts end that nobody has answered: one timer for all of them.

Ends are gathered in ticks: most never come to pass, and to put each into its order, or to
cancel a timer for each, costs more than to look at those of a tick together. An end is told
of up to a tick late, never early.
"""

import asyncio
import math
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

_TICKS = 40
"""Ticks a second."""


class Awaited(Protocol):
    """What may be over before its time is."""

    over: bool


Waiting = TypeVar("Waiting", bound=Awaited)


class Deadlines(Generic[Waiting]):
    """What waits, by the tick in which its time is over."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, ended: Callable[[Waiting, float], None]
    ) -> None:
        """``ended`` is told of each that is not over, and of the time it is (monotonic seconds)."""
        self._loop = loop
        self._ended = ended
        self._ticks: dict[int, list[Waiting]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._timer_tick: float = math.inf

    def add(self, until: float, waiting: Waiting) -> None:
        """Tell of it when that moment has come."""
        tick = int(until * _TICKS) + 1
        there = self._ticks.get(tick)
        if there is not None:
            there.append(waiting)
            return
        self._ticks[tick] = [waiting]
        if tick < self._timer_tick:
            self._set_timer(tick)

    def _set_timer(self, tick: int) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer_tick = float(tick)  # mypyc wants the declared type
        self._timer = self._loop.call_at(tick / _TICKS, self._expire)

    def _expire(self) -> None:
        """Tell of those whose time is over; the timer is set again whatever happens."""
        self._timer = None
        self._timer_tick = math.inf
        now = self._loop.time()
        try:
            for tick in sorted(tick for tick in self._ticks if tick <= now * _TICKS):
                ended = self._ticks[tick] = [each for each in self._ticks[tick] if not each.over]
                while ended:  # should one fail, the others are told of at once after it
                    waiting = ended.pop()
                    if not waiting.over:  # which one before it may have led to
                        self._ended(waiting, now)
                del self._ticks[tick]
        finally:
            if self._ticks and (first := min(self._ticks)) < self._timer_tick:
                self._set_timer(first)
