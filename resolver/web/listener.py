"""Serving an application over HTTP, whoever comes: bounded, and without a word about visitors.

aiohttp logs a traceback and the client's address for every request that is none; here only
what is this program's fault is logged, and nobody is named.
"""

import asyncio
import logging

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from resolver.metrics.log import log
from resolver.policy.compiled import Endpoint
from resolver.web.visitors import Visitors

_IDLE = 75
"""Seconds for a whole request to arrive; scrapers that come each minute stay connected."""


class _Faults(logging.Filter):
    """Lets pass what is not a visitor's fault, and takes the visitor's address out of it."""

    def filter(self, record: logging.LogRecord) -> bool:
        fault = record.exc_info[1] if record.exc_info else None
        record.msg, record.args = "a page cannot be made", ()
        return not isinstance(fault, HttpProcessingError)


_log = log.getChild("web")
_log.addFilter(_Faults())


async def listen(
    app: web.Application, endpoint: Endpoint, patience: float = _IDLE
) -> asyncio.Server:
    """Serve an application on an endpoint; ``patience`` is how long a request may take to come.

    Raises:
        OSError: the address is taken or not this host's.
    """
    runner = web.AppRunner(app, access_log=None, logger=_log, keepalive_timeout=patience)
    await runner.setup()
    assert runner.server is not None, "it has been set up"
    loop = asyncio.get_running_loop()
    try:
        visitors = Visitors(runner.server)
        return await loop.create_server(visitors, endpoint.address, endpoint.port)
    except OSError:
        await runner.cleanup()
        raise
