"""Serve the metrics and the status page, with limits and without client data in logs.

For every malformed request, aiohttp logs a traceback with the client's address. Here only
this program's own errors are logged, and no client is named.
"""

import asyncio
import logging

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from resolver.errors import DarbanError
from resolver.metrics.log import log
from resolver.policy.settings import Endpoint
from resolver.server.listening import open_http_socket
from resolver.web.connection_limit import limited

_IDLE_TIMEOUT = 75
"""Seconds between two requests; scrapers that come each minute stay connected."""


class _OwnErrors(logging.Filter):
    """Drops errors that a client caused, and removes the client's address from the others."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        record.msg, record.args = "error while handling an HTTP request", ()
        return not isinstance(error, HttpProcessingError)


_log = log.getChild("web")
_log.addFilter(_OwnErrors())


async def listen(app: web.Application, endpoint: Endpoint) -> asyncio.Server:
    """Serve an application on the metrics listener's endpoint.

    Raises:
        DarbanError: it cannot be served there, for example since the port is taken.
    """
    runner = web.AppRunner(app, access_log=None, logger=_log, keepalive_timeout=_IDLE_TIMEOUT)
    await runner.setup()
    assert runner.server is not None, "setup has made it"
    loop = asyncio.get_running_loop()
    try:
        listening = open_http_socket(endpoint, "metrics", "[metrics] listen")
        return await loop.create_server(limited(runner.server), sock=listening)
    except OSError as error:
        await runner.cleanup()
        raise DarbanError(
            f"{endpoint}: metrics cannot be served there ({error.strerror}). DNS is not affected. "
            "Free the port or change [metrics] listen"
        ) from None
