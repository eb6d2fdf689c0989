"""Write the audit log while the server runs: in a thread, one line after the other.

A disk that is full keeps nothing from being put in force: what cannot be written is logged.
"""

import asyncio
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from resolver.compiler.candidate import SourceTexts
from resolver.log import log
from resolver.supervisor.audit_log import AuditLog
from resolver.supervisor.rollout import ServedSnapshot


class AuditWriter:
    """The audit log in a state directory."""

    def __init__(self, state: Path) -> None:
        self._state = state
        self._log = AuditLog(state)
        self._writing = asyncio.Lock()

    async def activated(
        self,
        event: str,
        who: str,
        served: ServedSnapshot,
        sources: SourceTexts | None,
        *,
        once: bool = False,
    ) -> None:
        """Note that a snapshot was put in force from these sources.

        With ``once`` nothing is noted where the log has these sources already.
        """
        entry = (time.time(), event, who, served.path.name, served.compiled, sources)
        await self._write(partial(self._log.activated, *entry, once=once))

    async def refused(self, what: str) -> None:
        """Note that a commit of the policy was refused."""
        await self._write(partial(self._log.refused, time.time(), what))

    async def stopped(self, who: str) -> None:
        """Note that the server stops."""
        await self._write(partial(self._log.stopped, time.time(), who))

    async def _write(self, write: Callable[[], None]) -> None:
        try:
            async with self._writing:
                await asyncio.to_thread(write)
        except OSError as error:
            log.error("%s: the audit log cannot be written (%s)", self._state, error.strerror)
