"""``/metrics`` over HTTP, in the format that the scraper asks for, ``/healthz`` and ``/readyz``.

A scrape is rendered at most four times a second. ``metrics.collector`` adds up the cells of the
workers (``metrics.counter_sums``), and what the parts say, what is in force, what the kernel knows,
and a 0 for each series that the policy can produce.
"""

import asyncio
from collections.abc import Callable
from http import HTTPStatus

from aiohttp import web
from aiohttp.typedefs import Handler
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from resolver.metrics.collector import DarbanCollector
from resolver.metrics.served_config import ServedConfig
from resolver.web import host_header, pages

_INTERVAL = 0.25
"""Seconds between two renderings, which then take a hundredth of a core at most."""


class Exposition:
    """The metrics of a collector as text, rendered at most every quarter of a second.

    Rendering takes milliseconds of CPU time that workers may need. A request that comes sooner
    waits for the next rendering and shares it with all others that wait. So a response is never
    older than its request, and a flood of requests costs no more than a few.
    """

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


def application(
    collector: DarbanCollector, config: ServedConfig, not_ready: Callable[[], str]
) -> web.Application:
    """The application of the metrics listener.

    ``not_ready`` says why clients should ask another node, or nothing.
    """
    exposition = Exposition(collector)

    @web.middleware
    async def only_own_host(request: web.Request, handler: Handler) -> web.StreamResponse:
        host = request.headers.get("Host")
        if host is None or host_header.is_own(
            host, config.compiled
        ):  # a browser always names the host
            return await handler(request)
        status = HTTPStatus.MISDIRECTED_REQUEST
        return web.Response(text=host_header.WRONG_HOST, status=status, headers=pages.HEADERS)

    async def metrics(request: web.Request) -> web.Response:
        text, content_type = await exposition.get(request.headers.get("Accept", ""))
        return web.Response(body=text, headers={"Content-Type": content_type})

    async def healthy(_: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def ready(_: web.Request) -> web.Response:
        if why := not_ready():
            return web.Response(text=f"{why}\n", status=HTTPStatus.SERVICE_UNAVAILABLE)
        return web.Response(text="ready\n")

    app = web.Application(middlewares=[only_own_host])
    app.router.add_get("/metrics", metrics)
    app.router.add_get("/healthz", healthy)
    app.router.add_get("/readyz", ready)
    return app
