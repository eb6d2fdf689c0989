"""/metrics over HTTP, in the format that the scraper asks for."""

import asyncio

from aiohttp import web

from resolver.errors import DarbanError
from resolver.metrics.collector import DarbanCollector
from resolver.policy.compiled import Endpoint
from resolver.web.exposition import Exposition
from resolver.web.listener import listen


class MetricsListenError(DarbanError):
    """The metrics cannot be served; DNS is not affected."""


def application(collector: DarbanCollector) -> web.Application:
    """What answers on the metrics listener."""
    exposition = Exposition(collector)

    async def metrics(request: web.Request) -> web.Response:
        text, kind = await exposition.get(request.headers.get("Accept", ""))
        return web.Response(body=text, headers={"Content-Type": kind})

    async def healthy(_: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    app = web.Application()
    app.router.add_get("/metrics", metrics)
    app.router.add_get("/healthz", healthy)
    return app


async def serve(app: web.Application, endpoint: Endpoint) -> asyncio.Server:
    """Serve an application on an endpoint.

    Raises:
        MetricsListenError: the address is taken or not this host's.
    """
    try:
        return await listen(app, endpoint)
    except OSError as error:
        raise MetricsListenError(
            f"{endpoint}: metrics cannot be served there ({error.strerror}); DNS is served all "
            "the same. Free the port or set [metrics] listen"
        ) from None
