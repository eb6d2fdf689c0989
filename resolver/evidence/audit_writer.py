"""Write the audit log and its chain while the server runs: in a thread, a line after the other.

A disk that is full keeps nothing from being put in force: what cannot be written is logged.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

from resolver.analysis.activation_summary import ActivationSummary
from resolver.evidence.audit_log import AuditEntry, AuditLog, FileOnDisk
from resolver.evidence.figures.seal import KeptFigures
from resolver.evidence.figures.tables import FiguresError, to_read
from resolver.evidence.history_chain import HistoryChain, Kind, Link
from resolver.log import log
from resolver.metrics.part_states import AuditState
from resolver.metrics.status import ConfigChange
from resolver.part import Part
from resolver.policy.compiled import CompiledConfig
from resolver.snapshot.config_files import SourceTexts, Texts, counted_lines

_DAY: Final = 86400.0
_SHOWN_CHANGES: Final = 5


class AuditWriter(Part):
    """The audit log in a state directory."""

    def __init__(self, state: Path) -> None:
        self._state = state
        self._log = AuditLog(state)
        self._chain = HistoryChain(state)
        self._writing = asyncio.Lock()
        self._head = ""
        self._changes: tuple[ConfigChange, ...] = ()

    def states(self) -> Iterable[object]:
        """An ``AuditState``."""
        yield AuditState(self._head, self._changes)

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
        """Note that a snapshot, by its hash, was put in force from these sources.

        With ``once`` nothing is noted where the log has these sources already. ``on_disk`` has the
        files of a start.
        """
        entry = (time.time(), event, who, snapshot, compiled, sources, summary)
        await self._write(partial(self._log.activated, *entry, once=once, on_disk=on_disk))

    async def newest(self, most: int) -> list[tuple[AuditEntry, Texts]]:
        """The last entries that changed the config, and its texts then, the newest first.

        None where the log cannot be read.
        """

        def read() -> list[tuple[AuditEntry, Texts]]:
            found = self._log.newest_changes(most)
            return [(each, self._log.text(each.config)) for each in found]

        try:
            return await asyncio.to_thread(read)
        except OSError as error:
            log.error("%s: the audit log cannot be read (%s)", self._state, error.strerror)
            return []

    async def refused(self, what: str) -> None:
        """Note that a commit of the policy was refused."""
        await self._write(partial(self._log.refused, time.time(), what))

    async def stopped(self, who: str) -> None:
        """Note that the server stops."""
        await self._write(partial(self._log.stopped, time.time(), who))

    async def seal(self, until: float) -> None:
        """Seal the figures of the hours before a moment that have no seal yet.

        Hours in which no server ran are sealed with those before them, by one link. Figures that
        cannot be read now are sealed later.
        """
        await self._write(partial(self._seal, until), appended=0)

    def _seal(self, until: float) -> None:
        since, now = self._chain.sealed_until(), time.time()
        if since > until:
            self._chain.clock_back(now, until)
        elif since < until:
            since = since or until - _DAY
            try:
                found = KeptFigures(self._state, to_read).of(since, until)
            except FiguresError as error:
                log.error("%s: figures get their seal later: %s", self._state, error)
                return
            link = Link(Kind.FIGURES, now, hash=found.hash, since=since, before=until)
            self._chain.seal(replace(link, node=found.node, time_zone=found.time_zone))

    def _newest_changes(self) -> tuple[ConfigChange, ...]:
        return tuple(
            ConfigChange(each.time, each.event, each.who, *counted_lines(each.diff))
            for each in self._log.newest_changes(_SHOWN_CHANGES)
        )

    async def _write(self, write: Callable[[], None], appended: int = 1) -> None:
        """Write, then add links for what was appended to the audit log."""
        try:
            async with self._writing:
                await asyncio.to_thread(write)
                follow = partial(self._chain.follow, time.time(), appended=appended)
                self._head = await asyncio.to_thread(follow)
                if appended:
                    self._changes = await asyncio.to_thread(self._newest_changes)
        except OSError as error:
            log.error("%s: the audit log cannot be written (%s)", self._state, error.strerror)
