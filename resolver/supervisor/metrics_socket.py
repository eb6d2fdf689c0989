"""The socket that the metrics are served on: tried until it can be opened, and kept for restarts.

What must stay true:
- From when it is open until the service is stopped, no other program can take the port: the
  service manager keeps the socket while the service restarts, and the process that begins again
  inherits it.
"""

import asyncio
import socket

from resolver.log import log
from resolver.server.listening import open_http_socket, take_http_socket
from resolver.settings import Endpoint
from resolver.supervisor.notify import ServiceManager

_AGAIN = 1.0
"""Seconds between two attempts to open it."""


class MetricsSocket:
    """The socket, once it is open."""

    def __init__(
        self, endpoint: Endpoint, stored: list[socket.socket], manager: ServiceManager
    ) -> None:
        """Take the socket out of those that an earlier process has stored, if it is there."""
        self._endpoint = endpoint
        self._manager = manager
        self._socket = take_http_socket(endpoint, stored)
        if self._socket is not None:
            manager.store_sockets([self._socket])

    async def opened(self) -> socket.socket:
        """The open socket; waits while another program has the port."""
        waits = False
        while self._socket is None:
            try:
                self._socket = open_http_socket(self._endpoint, "metrics", "[metrics] listen")
            except OSError as error:
                if not waits:
                    self._report(error)
                waits = True
                await asyncio.sleep(_AGAIN)
            else:
                self._manager.store_sockets([self._socket])
        if waits:
            log.info("%s: metrics are served there now", self._endpoint)
        return self._socket

    def pass_on(self) -> None:
        """Pass the socket on to the process that begins again in the place of this one."""
        if self._socket is not None:
            self._manager.pass_on(self._socket)

    def _report(self, error: OSError) -> None:
        log.error(
            "%s: metrics cannot be served there (%s). DNS is not affected. Free the port or change "
            "[metrics] listen; it is tried again each second",
            self._endpoint,
            error.strerror,
        )
