"""The metrics as text, made anew for whoever asks, but at most so often.

Making it takes milliseconds of a core that workers may want to answer with. Whoever asks sooner
waits for the next, together with all others who do: what they get was never made before they
asked, and a flood of requests costs no more than a few.
"""

import asyncio
from collections.abc import Callable

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

_EVERY = 0.25
"""Seconds from one to the next: making them takes a hundredth of a core at most."""


class Exposition:
    """What a collector knows, in each format that is asked for."""

    def __init__(self, collector: Collector) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(collector)
        self._next: dict[str, asyncio.Task[bytes]] = {}
        self._free = 0.0
        """When the next may be made."""

    async def get(self, accept: str) -> tuple[bytes, str]:
        """The text and its type, by what the client accepts."""
        encode, kind = choose_encoder(accept)
        if kind not in self._next:
            self._next[kind] = asyncio.create_task(self._make(encode, kind))
        return await asyncio.shield(self._next[kind]), kind

    async def _make(self, encode: Callable[[CollectorRegistry], bytes], kind: str) -> bytes:
        loop = asyncio.get_running_loop()
        while (wait := self._free - loop.time()) > 0:  # another kind may have come first
            await asyncio.sleep(wait)
        del self._next[kind]
        self._free = loop.time() + _EVERY
        return encode(self._registry)
