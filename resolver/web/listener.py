"""Serve the metrics and the status page, with limits and without client data in logs.

For every malformed request, aiohttp logs a traceback with the client's address. Here only
this program's own errors are logged, and no client is named.
"""

import asyncio
import logging
import socket

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from resolver.system.log import log
from resolver.web.limited_protocol import limited

_ACCEPTED = 8
"""Connections that are accepted in an iteration of the loop.

asyncio accepts 100 by default, before it reads from the first: more than there are places."""
_QUEUE = 128
"""Connections that the kernel keeps until they are accepted."""


class _OwnErrors(logging.Filter):
    """Drops errors that a client caused, and removes the client's address from the others."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        record.msg, record.args = "error while handling an HTTP request", ()
        return not isinstance(error, HttpProcessingError)


_log = log.getChild("web")
_log.addFilter(_OwnErrors())


async def _close_after(_: web.Request, response: web.StreamResponse) -> None:
    """Close the connection after its response: each has one request."""
    response.force_close()
    response.headers["Connection"] = "close"  # aiohttp has made the headers before


async def listen(app: web.Application, listening: socket.socket) -> asyncio.Server:
    """Serve an application on a socket that listens already."""
    app.on_response_prepare.append(_close_after)
    runner = web.AppRunner(app, access_log=None, logger=_log)
    await runner.setup()
    assert runner.server is not None, "setup has made it"
    factory = limited(runner.server)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(factory, sock=listening, backlog=_ACCEPTED)
    listening.listen(_QUEUE)  # create_server has made the queue as short as its backlog
    return server
