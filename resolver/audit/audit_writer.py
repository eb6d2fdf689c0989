"""Write the audit log while the server runs: in a thread, a record after the other.

Every five minutes the figures of the hours that are over are sealed, and a record says whether the
clock was set.

A record: ``audit_log`` keeps the texts and makes the content; ``journal`` adds number, clock and
link, and syncs the record, then the head, which is then logged. ``seals`` seals the figures.
Commands read all by ``reading``; ``verification`` compares texts and seals, ``witness`` the head of
a witness.

What must stay true:
- The clock is read when something is put in force, not when its record is written.
- A full disk keeps nothing from being put in force: the record of an activation, a refused commit
  or a stop waits in memory, and the log says so.
- Only a head that is on the disk is published.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Final

from resolver.analysis.activation_summary import ActivationSummary
from resolver.audit.audit_log import AuditEntry, AuditLog, FileOnDisk
from resolver.audit.clock import read_clock
from resolver.audit.figures import store
from resolver.audit.figures.seal import KeptFigures
from resolver.audit.figures.tables import FiguresError, to_read
from resolver.audit.journal import HeadNotWritten
from resolver.audit.record import SAME_OFFSET, ClockReading, Event, Head
from resolver.audit.seals import newest_seals, sealable
from resolver.metrics.part import Part
from resolver.metrics.part_states import AuditState
from resolver.metrics.status import ConfigChange
from resolver.policy.compiled import CompiledConfig
from resolver.snapshot.config_files import SourceTexts, Texts, counted_lines
from resolver.system.log import log

_DAY: Final = 86400.0
_LONGEST_KEPT: Final = 500 * _DAY
"""Figures are kept for no longer (``store.MONTHS``); a clock may say any time."""
_SHOWN_CHANGES: Final = 5
_LOOK: Final = 300.0
"""Seconds between two looks at the clock."""
_MOST_WAITING: Final = 100
"""Records that wait to be written; of more, the oldest are lost."""
_Write = Callable[[], Head | None]
"""Adds a record, if there is something to add; OSError."""


class AuditWriter(Part):
    """The audit log in a state directory."""

    waits_for_config = True

    def __init__(self, state: Path, waits_since: Callable[[], float]) -> None:
        """``waits_since`` says when the oldest figures begin that are not stored yet."""
        self._state = state
        self._waits_since = waits_since
        self._log = AuditLog(state)
        self._writing = asyncio.Lock()
        self._waiting = deque[_Write](maxlen=_MOST_WAITING)
        self._head, self._broken_at = Head(0, ""), 0
        self._changes: tuple[ConfigChange, ...] = ()

    def states(self) -> Iterable[object]:
        """An ``AuditState``."""
        number, head = self._head
        yield AuditState(head, number, self._changes, self._broken_at)

    async def run(self) -> None:
        """Look at the clock, and seal what is over, now and then; until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(_LOOK)

    async def activated(
        self,
        event: str,
        who: str,
        snapshot: str,
        compiled: CompiledConfig,
        sources: SourceTexts | None,
        summary: ActivationSummary | None,
        *,
        once: bool = False,
        on_disk: Mapping[str, FileOnDisk] | None = None,
    ) -> None:
        """Note that a snapshot, by its name, was put in force from these sources.

        With ``once`` nothing is noted where the log has these sources already. ``on_disk`` has the
        files of a start.
        """
        entry = (read_clock(), event, who, snapshot, compiled, sources, summary)
        await self._write(
            partial(self._log.activated, *entry, once=once, on_disk=on_disk), waits=True
        )

    async def newest(self, most: int) -> list[tuple[AuditEntry, Texts]]:
        """The last entries that changed the config, and its texts then, the newest first.

        None where the log cannot be read.
        """

        def read() -> list[tuple[AuditEntry, Texts]]:
            entries = self._log.newest_changes(most)
            return [(entry, self._log.text(entry.config)) for entry in entries]

        try:
            return await asyncio.to_thread(read)
        except OSError as error:
            log.error("%s: the audit log cannot be read (%s)", self._state, error.strerror)
            return []

    async def refused(self, what: str) -> None:
        """Note that a commit of the policy was refused."""
        await self._write(partial(self._log.refused, read_clock(), what), waits=True)

    async def serial_reset(self, who: str) -> None:
        """Note that somebody let signed lists begin with a lower serial."""
        await self._write(partial(self._log.serial_reset, read_clock(), who), waits=True)

    async def stopped(self, who: str) -> None:
        """Note that the server stops."""
        await self._write(partial(self._log.stopped, read_clock(), who), waits=True)

    async def look(self) -> None:
        """Note that the clock was set, and seal the figures of the hours that are over.

        Hours in which no server ran are sealed with those before them, by one record. Figures that
        cannot be read now are sealed later.
        """
        await self._write(partial(self._note_clock, read_clock()))
        # An activation may have been written meanwhile: a seal by an earlier clock would follow it.
        await self._write(partial(self._seal, read_clock(), self._waits_since()))
        with contextlib.suppress(OSError):  # a write has said so
            self._broken_at = await asyncio.to_thread(self._log.journal.broken_at)

    def _note_clock(self, now: ClockReading) -> Head | None:
        last = next(self._log.journal.latest(), None)
        if last is None or last.boot != now.boot or abs(last.offset - now.offset) < SAME_OFFSET:
            return None
        return self._log.journal.append(now, Event.CLOCK, offset_before=last.offset)

    def _seal(self, now: ClockReading, waits_since: float) -> Head | None:
        """Seal the figures that have no seal; at first, all that are kept, by month.

        So those that a release before 1.2 had sealed have a seal of this log too.
        """
        until, head = sealable(now.time, waits_since), None
        since = newest_seals(self._log.journal.latest(), now)
        is_first = not since
        if is_first:
            oldest = store.oldest(self._state / store.NAME) or until - _DAY
            since = max(oldest, until - _LONGEST_KEPT)
        kept = KeptFigures(self._state, to_read)
        while since < until:
            end = min(until, store.month_end(since)) if is_first else until
            try:
                figures = kept.of(since, end)
            except FiguresError as error:
                log.error("%s: figures get their seal later: %s", self._state, error)
                return head
            about = {"figures": figures.hash, "node": figures.node, "time_zone": figures.time_zone}
            head = self._log.journal.append(now, Event.SEALED, begin=since, end=end, **about)
            since = end
        return head

    def _newest_changes(self) -> tuple[ConfigChange, ...]:
        return tuple(
            ConfigChange(change.time, change.event, change.who, *counted_lines(change.diff))
            for change in self._log.newest_changes(_SHOWN_CHANGES)
        )

    async def _write(self, write: _Write, *, waits: bool = False) -> None:
        """Add a record, and publish the head and the newest changes.

        A record that ``waits`` is added later where it cannot be added now.
        """
        try:
            async with self._writing:
                head = await asyncio.to_thread(self._add, write, waits)
                if head is None:
                    return
                log.info("the head of the audit log is %s", head.text)
                self._changes = await asyncio.to_thread(self._newest_changes)
                self._head = head
        except OSError as error:
            place = error.filename or self._state
            log.error(
                "%s: the audit log cannot be written (%s); records that wait in memory: %d",
                *(place, error.strerror, len(self._waiting)),
            )

    def _add(self, write: _Write, waits: bool) -> Head | None:
        """Add the records that wait, and then this one: in the order in which they were made."""
        if waits:
            self._waiting.append(write)
        head = None
        while self._waiting:
            first = self._waiting.popleft()
            try:
                head = first()
            except HeadNotWritten:
                raise
            except OSError:
                self._waiting.appendleft(first)
                raise
        return head if waits else write() or head
