"""Watch whether this host still has the addresses on which it serves DNS.

A socket stays bound to an address that the host loses, without an error: its clients get nothing.
"""

import asyncio
from collections.abc import Iterable
from typing import Final

from resolver.metrics.part import Part
from resolver.metrics.part_states import AddressState
from resolver.metrics.served_config import ServedConfig
from resolver.system.interfaces import is_missing
from resolver.system.log import log

_LOOK: Final = 5.0
"""Seconds between two looks."""


class AddressWatch(Part):
    """The watch over the addresses."""

    def __init__(self, config: ServedConfig) -> None:
        self._config = config
        self._missing: tuple[str, ...] = ()

    def states(self) -> Iterable[object]:
        """An ``AddressState``."""
        yield AddressState(self._missing)

    async def run(self) -> None:
        """Note the addresses that this host lacks, again and again, until cancelled."""
        while True:
            self._look()
            await asyncio.sleep(_LOOK)

    def _look(self) -> None:
        settings = self._config.compiled.settings
        endpoints = (*settings.plain_listen, *settings.tls_listen)
        before = self._missing
        self._missing = tuple(str(each) for each in endpoints if is_missing(each.address))
        for each in set(self._missing) - set(before):
            text = "%s: this host has no such address now; its clients get no answers there"
            log.error(text, each)
        for each in set(before) - set(self._missing):
            log.warning("%s: this host has the address again, and serves it", each)
