"""``/metrics`` over HTTP, in the format that the scraper asks for, and ``/healthz``."""

import asyncio

from aiohttp import web

from resolver.metrics.collector import DarbanCollector
from resolver.policy.compiled import Endpoint
from resolver.web.exposition import Exposition
from resolver.web.listener import listen


def application(collector: DarbanCollector) -> web.Application:
    """The application of the metrics listener."""
    exposition = Exposition(collector)

    async def metrics(request: web.Request) -> web.Response:
        text, content_type = await exposition.get(request.headers.get("Accept", ""))
        return web.Response(body=text, headers={"Content-Type": content_type})

    async def healthy(_: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    app = web.Application()
    app.router.add_get("/metrics", metrics)
    app.router.add_get("/healthz", healthy)
    return app


async def serve(app: web.Application, endpoint: Endpoint) -> asyncio.Server:
    """Serve an application on the metrics listener's endpoint.

    Raises:
        PageListenError: the address is in use or not this host's.
    """
    return await listen(app, endpoint, "metrics", "[metrics] listen")
