"""Note the time in the state directory, so that a clock that is behind it is found."""

import asyncio
import time
from typing import Final

from resolver.metrics import kernel
from resolver.metrics.part import Part
from resolver.metrics.served_config import ServedConfig
from resolver.snapshot.clock_note import note_time

_NOTE: Final = 600.0
"""Seconds between two notes."""


class ClockWatch(Part):
    """The watch over the clock."""

    def __init__(self, config: ServedConfig) -> None:
        self._config = config

    async def run(self) -> None:
        """Note the time again and again, until cancelled."""
        while True:
            await asyncio.to_thread(self._note)  # the disk may hang
            await asyncio.sleep(_NOTE)

    def _note(self) -> None:
        note_time(self._config.state, time.time(), synchronised=kernel.clock_synchronised())
