"""Watch whether this host still has the addresses on which it serves DNS.

A socket stays bound to an address that the host loses, without an error: its clients get nothing.
"""

import asyncio
from typing import Final

from resolver.log import log
from resolver.metrics.facts import ServerFacts
from resolver.part import Part
from resolver.server.listening import is_missing

_LOOK: Final = 5.0
"""Seconds between two looks."""


class AddressWatch(Part):
    """The watch over the addresses."""

    def __init__(self, facts: ServerFacts) -> None:
        self._facts = facts

    async def run(self) -> None:
        """Note the addresses that this host lacks, again and again, until cancelled."""
        while True:
            self._look()
            await asyncio.sleep(_LOOK)

    def _look(self) -> None:
        facts = self._facts
        settings = facts.compiled.settings
        endpoints = (*settings.listen, *settings.proxied, *settings.tls_listen)
        before = facts.missing_addresses
        facts.missing_addresses = tuple(str(each) for each in endpoints if is_missing(each))
        for each in set(facts.missing_addresses) - set(before):
            text = "%s: this host has no such address now; its clients get no answers there"
            log.error(text, each)
        for each in set(before) - set(facts.missing_addresses):
            log.warning("%s: this host has the address again, and serves it", each)
