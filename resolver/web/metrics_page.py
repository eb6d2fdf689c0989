"""``/metrics`` over HTTP, in the format that the scraper asks for, ``/healthz`` and ``/readyz``."""

from collections.abc import Callable
from http import HTTPStatus

from aiohttp import web
from aiohttp.typedefs import Handler

from resolver.metrics.collector import DarbanCollector
from resolver.metrics.served_config import ServedConfig
from resolver.web import host_header, pages
from resolver.web.exposition import Exposition


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
