"""The metrics as text, rendered on demand, but at most every quarter of a second.

Rendering takes milliseconds of CPU time that workers may need. A request that comes sooner
waits for the next rendering and shares it with all others that wait. So a response is never
older than its request, and a flood of requests costs no more than a few.
"""

import asyncio
from collections.abc import Callable

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

_INTERVAL = 0.25
"""Seconds between two renderings, which then take a hundredth of a core at most."""


class Exposition:
    """The metrics of a collector, in each format that clients ask for."""

    def __init__(self, collector: Collector) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(collector)
        self._next: dict[str, asyncio.Task[bytes]] = {}
        """The next rendering, by content type."""
        self._earliest = 0.0
        """When the next one may start."""

    async def get(self, accept: str) -> tuple[bytes, str]:
        """The text and its content type, for an Accept header."""
        encode, content_type = choose_encoder(accept)
        if content_type not in self._next:
            self._next[content_type] = asyncio.create_task(self._render(encode, content_type))
        return await asyncio.shield(self._next[content_type]), content_type

    async def _render(
        self, encode: Callable[[CollectorRegistry], bytes], content_type: str
    ) -> bytes:
        loop = asyncio.get_running_loop()
        while (wait := self._earliest - loop.time()) > 0:  # another type may have been first
            await asyncio.sleep(wait)
        del self._next[content_type]
        self._earliest = loop.time() + _INTERVAL
        return encode(self._registry)
