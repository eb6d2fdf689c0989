"""``/metrics`` over HTTP, in the format that the scraper asks for, ``/healthz`` and ``/readyz``."""

from http import HTTPStatus

from aiohttp import web
from aiohttp.typedefs import Handler

from resolver.metrics.collector import DarbanCollector
from resolver.metrics.facts import ServerFacts
from resolver.web import host_header, pages
from resolver.web.exposition import Exposition


def application(collector: DarbanCollector, facts: ServerFacts) -> web.Application:
    """The application of the metrics listener."""
    exposition = Exposition(collector)

    @web.middleware
    async def only_own_host(request: web.Request, handler: Handler) -> web.StreamResponse:
        host = request.headers.get("Host")
        if host is None or host_header.is_own(
            host, facts.compiled
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
        if facts.not_ready:
            status = HTTPStatus.SERVICE_UNAVAILABLE
            return web.Response(text=f"{facts.not_ready}\n", status=status)
        return web.Response(text="ready\n")

    app = web.Application(middlewares=[only_own_host])
    app.router.add_get("/metrics", metrics)
    app.router.add_get("/healthz", healthy)
    app.router.add_get("/readyz", ready)
    return app
