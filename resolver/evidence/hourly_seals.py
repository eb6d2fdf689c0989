"""Seal the figures of each hour (UTC) in the chain over the audit log, once it is over."""

import asyncio
import time
from collections.abc import Callable
from typing import Final

from resolver.evidence.audit_writer import AuditWriter
from resolver.part import Part

_LOOK: Final = 300.0
"""Seconds between two looks at the clock."""
_HOUR: Final = 3600.0
_OPEN: Final = _HOUR + 300.0
"""Seconds for which an hour that is over may get figures: its last local hour ends within one."""


class HourlySeals(Part):
    """Seals hours as long as the server runs."""

    waits_for_config = True

    def __init__(self, audit: AuditWriter, waits_since: Callable[[], float]) -> None:
        """``waits_since`` says when the oldest figures begin that are not stored yet."""
        self._audit = audit
        self._waits_since = waits_since

    async def run(self) -> None:
        """Seal what is over, now and then; until cancelled."""
        while True:
            await self._audit.seal(seal_until(time.time(), self._waits_since()))
            await asyncio.sleep(_LOOK)


def seal_until(now: float, waits_since: float) -> float:
    """The begin of the first hour that may still get figures, in seconds since 1970, as ``now``.

    While a disk takes no figures, that is the hour of those that wait.
    """
    return min(now - _OPEN, waits_since) // _HOUR * _HOUR
