"""The address lists of ``publish.feeds`` over HTTP, for firewalls that fetch them.

What must stay true:
- Where a list may be wrong, there is no list: 503, so that a firewall goes on with its last copy.
- Only the prefixes of ``[feeds] from`` get anything: a gap in a list tells who is exempted.
"""

import asyncio
import hashlib
import time
from collections.abc import Callable
from http import HTTPStatus
from ipaddress import ip_address

from aiohttp import web
from aiohttp.typedefs import Handler

from resolver.metrics.served_config import ServedConfig
from resolver.policy.compiled import CompiledConfig
from resolver.policy.moment import InForce, in_force
from resolver.policy.prefixes import PrefixTable
from resolver.publish.feeds import feed_files, service_feeds

HEADERS = {
    "Cache-Control": "no-store",
    "Server": "darban",
    "X-Content-Type-Options": "nosniff",
}
"""Headers of every response."""
POLICY_HEADER = "Darban-Policy"
"""The header with the policy hash."""


class FeedFiles:
    """The files of the policy in force now, made anew when something begins or ends."""

    def __init__(self, config: ServedConfig) -> None:
        self.config = config
        self._making = asyncio.Lock()
        self._made: tuple[CompiledConfig, InForce] | None = None
        self._files: dict[str, str] = {}

    async def files(self) -> tuple[CompiledConfig, dict[str, str]]:
        """The policy in force and the contents of now, by the names of the files.

        They are made in a thread: with thousands of exemptions it takes a second.
        """
        async with self._making:
            compiled, wall, made = self.config.compiled, time.time(), self._made
            if made is None or made[0] is not compiled or not made[1].lasts(wall):
                self._files = await asyncio.to_thread(_files, compiled, wall)
                self._made = compiled, in_force(compiled, wall)
            return compiled, self._files


def _files(compiled: CompiledConfig, wall: float) -> dict[str, str]:
    by_feed = (feed_files(feed) for feed in service_feeds(compiled, wall))
    return {name: text for files in by_feed for name, text in files}


def application(feeds: FeedFiles, not_served: Callable[[], str]) -> web.Application:
    """The application of a listener for feeds.

    ``not_served`` says why no list can be trusted now, or nothing.
    """
    config = feeds.config

    @web.middleware
    async def only_firewalls(request: web.Request, handler: Handler) -> web.StreamResponse:
        address = ip_address((request.remote or "").partition("%")[0]).packed
        if PrefixTable(config.compiled.settings.feeds.firewalls).matches(address):
            return await handler(request)
        text = "This address is not in [feeds] from.\n"
        return web.Response(text=text, status=HTTPStatus.FORBIDDEN, headers=HEADERS)

    async def feed(request: web.Request) -> web.Response:
        if why := not_served():
            headers = {**HEADERS, "Retry-After": "60"}
            return web.Response(
                text=f"{why}\n", status=HTTPStatus.SERVICE_UNAVAILABLE, headers=headers
            )
        compiled, files = await feeds.files()
        name = request.match_info["name"]
        text = files.get(name) if name else "".join(f"{file}\n" for file in files)
        if text is None:
            text = "There is no such list; / names all.\n"
            return web.Response(text=text, status=HTTPStatus.NOT_FOUND, headers=HEADERS)
        tag = hashlib.sha256(text.encode()).hexdigest()[:16]
        headers = {**HEADERS, POLICY_HEADER: compiled.policy_hash, "ETag": f'"{tag}"'}
        if tag in (etag.value for etag in request.if_none_match or ()):
            return web.Response(status=HTTPStatus.NOT_MODIFIED, headers=headers)
        return web.Response(text=text, headers=headers)

    app = web.Application(middlewares=[only_firewalls])
    app.router.add_get("/{name:.*}", feed)
    return app
