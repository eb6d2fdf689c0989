"""Adds to the figures of this node each minute: what was counted, and what held.

The loop takes the counters and puts them where a thread finds them.

``figures.gathering`` makes of the counters what they have gained, by VLAN, service and outcome: a
renamed VLAN is another VLAN. ``figures.small_counts`` takes service and hour from exempted queries
where an exemption is for few addresses. ``figures.store`` adds it to the local hour.

What must stay true:
- If the disk is full, slow or gone, only the thread fails or waits. What it could not store waits
  in memory, for 48 hours at most.
- What was counted is taken once. A kill loses a minute at most, and a stop loses none.
- Months are removed after 14 more have begun, by a clock that has not jumped (``retention_clock``),
  and never the newest 15 files: a wrong clock removes none.
"""

import asyncio
import contextlib
import math
import threading
import time
from collections.abc import Callable, Iterable
from zoneinfo import ZoneInfo

from resolver.audit.figures import store
from resolver.audit.figures.counts import HourFigures, Minute, SelfTestResult
from resolver.audit.figures.gathering import Increases, WaitingFigures, minute_of, without_filter
from resolver.audit.figures.small_counts import coarsened
from resolver.audit.figures.store import FigureStore
from resolver.audit.figures.tables import FiguresError
from resolver.audit.retention_clock import RetentionClock
from resolver.metrics import definitions, kernel
from resolver.metrics.counter_sums import CounterSums
from resolver.metrics.part import Part
from resolver.metrics.part_states import FiguresState, LinkState, PartStates, SelfTestState
from resolver.metrics.served_config import ServedConfig
from resolver.policy.compiled import CompiledConfig
from resolver.policy.few_addresses import vlans_with_few_exempted
from resolver.system.log import log
from resolver.system.time_zones import hour_of, time_zone

_LAST = 5.0
"""Seconds that ``stop`` waits for the thread."""


class FiguresWriter(Part):
    """The minutes, and the thread that stores them."""

    def __init__(
        self,
        config: ServedConfig,
        sums: Callable[[], CounterSums],
        states: Callable[[], PartStates],
        all_served: Callable[[], bool],
    ) -> None:
        """``all_served``: whether all workers have served at all times since it was called last."""
        self._config = config
        self._sums = sums
        self._states = states
        self._all_served = all_served
        self.directory = config.state / store.NAME
        self._store = FigureStore(self.directory, config.node)
        self._increases = Increases()
        self._answered = 0
        """What the fallback servers have answered, up to the last minute."""
        self._waiting = WaitingFigures()
        self._storing = math.inf
        """When the oldest figures begin that the thread has taken and not stored yet."""
        self._lock = threading.Lock()
        """Of these two; held for no call that may wait itself."""
        self._wanted = threading.Event()
        self._ending = False
        self._problem = ""
        self._retention_clock = RetentionClock()
        self._zone = "", ZoneInfo("UTC")
        self.time_zone()  # now, since the first minute may end when no file can be opened
        self._few_exempted = _FewExempted()
        self._thread = threading.Thread(target=self._run, name="figures", daemon=True)

    async def run(self) -> None:
        """Take each minute when it ends, until cancelled."""
        while True:
            now = time.time()
            end = now // 60 * 60 + 60
            await asyncio.sleep(end - now)
            self.take(minute_of(end, time.time()))

    def states(self) -> Iterable[object]:
        """A ``FiguresState``."""
        yield FiguresState(self._problem)

    def stop(self) -> None:
        """Store the minute that runs. All workers must have ended."""
        self.take(int(time.time()) // 60 * 60)
        self._ending = True  # not before: the thread may be about to look
        self._wanted.set()
        self._thread.join(_LAST)

    def take(self, at: int) -> None:
        """Take what was counted in the minute that begins at a moment, and what held in it."""
        compiled, states = self._config.compiled, self._states()
        serving, tested = self._all_served(), SelfTestResult(states.of(SelfTestState).result)
        sums, zone = self._sums(), self.time_zone()
        counts = self._increases.take(sums.query_counts, sums.redirected)
        if not compiled.settings.report.national_filter:
            counts = without_filter(counts)
        figures = HourFigures(hour_of(at, zone), counts, [])
        figures.minutes.append(Minute(at, compiled.policy_hash, serving, tested))
        figures.cut = int(states.of(LinkState).cut_since > 0)
        answered = sums.value(definitions.FALLBACK_ANSWERS)
        figures.answers, self._answered = answered - self._answered, answered
        for hour in coarsened(figures, self._few_exempted.of(compiled), zone):
            self._wait(hour)
        if not self._thread.ident:
            self._thread.start()
        self._wanted.set()

    def time_zone(self) -> ZoneInfo:
        """The time zone whose hours are counted by now.

        The one before, where no file can be opened now, so that no minute is lost.
        """
        name = self._config.compiled.settings.report.time_zone
        if self._zone[0] != name:
            with contextlib.suppress(OSError):
                self._zone = name, time_zone(name) or ZoneInfo("UTC")
        return self._zone[1]

    def waits_since(self) -> float:
        """When the oldest figures begin that are not stored yet; infinity where none wait."""
        with self._lock:
            return min(self._storing, self._waiting.since())

    def _wait(self, figures: HourFigures) -> None:
        with self._lock:
            dropped = self._waiting.add(figures)
        if dropped:
            log.error("%s: %d queries are in no figures", self.directory, dropped)

    def _run(self) -> None:
        """Store what waits whenever it is wanted, until the end."""
        is_last = False
        while not is_last:
            self._wanted.wait()
            self._wanted.clear()
            is_last = self._ending
            with self._lock:
                self._storing = self._waiting.since()
                taken = self._waiting.take()
            for place, figures in enumerate(taken):
                if not self._store_hour(figures):
                    for unstored in taken[place:]:
                        self._wait(unstored)
                    break
            else:
                self._remove_old()
            with self._lock:
                self._storing = math.inf

    def _store_hour(self, figures: HourFigures) -> bool:
        """Store the figures of an hour, and say whether they are stored."""
        try:
            lost = self._store.add(figures, self._config.compiled.settings.report.time_zone)
        except FiguresError as error:
            if not self._problem:
                why = "they wait in memory; queries are answered all the same"
                log.error("%s: the figures cannot be written (%s); %s", self.directory, error, why)
            self._problem = str(error)
            return False
        except Exception as error:
            log.exception("%s: the figures cannot be written", self.directory)
            self._problem = str(error)
            return False
        if lost:
            log.error("%s: the figures of a month are lost: %s", self.directory, lost)
        if self._problem:
            log.warning("%s: the figures are written again", self.directory)
            self._problem = ""
        return True

    def _remove_old(self) -> None:
        """Remove the months that are too old, unless the clock may be wrong."""
        day = self._retention_clock.read(time.time(), time.monotonic())
        if day is None or kernel.clock_synchronised() is False:
            return
        try:
            removed = self._store.remove_before(store.oldest_kept(day), store.MONTHS + 1)
        except OSError as error:
            log.error("%s: old figures cannot be removed: %s", error.filename, error.strerror)
            return
        for month in removed:
            log.info("%s: the figures of %s are removed", self.directory, month)


class _FewExempted:
    """The VLANs whose exempted queries are counted by part of a month."""

    def __init__(self) -> None:
        self._compiled: CompiledConfig | None = None
        self._vlans: frozenset[str] = frozenset()

    def of(self, compiled: CompiledConfig) -> frozenset[str]:
        """Those of a policy, looked for once while it is in force; and of the one a minute before.

        When a policy changes, the counts of the minute that ends are of both.
        """
        before = self._vlans
        if compiled is not self._compiled:
            smallest = compiled.settings.report.smallest
            self._compiled, self._vlans = compiled, vlans_with_few_exempted(compiled, smallest)
        return before | self._vlans
