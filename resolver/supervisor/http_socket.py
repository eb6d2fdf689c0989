"""A socket that HTTP is served on: tried until it can be opened, and kept for restarts.

What must stay true:
- From when it is open until the service is stopped, no other program can take the port: the
  service manager keeps the socket while the service restarts, and the process that begins again
  inherits it.
"""

import asyncio
import socket
from collections.abc import Mapping

from resolver.policy.settings import Endpoint
from resolver.server.listening import open_http_socket
from resolver.supervisor.notify import ServiceManager
from resolver.system.log import log

_AGAIN = 1.0
"""Seconds between two attempts to open it."""


class HttpSocket:
    """The socket, once it is open."""

    def __init__(
        self,
        what: str,
        endpoint: Endpoint,
        stored: Mapping[Endpoint, socket.socket],
        manager: ServiceManager,
    ) -> None:
        """``what`` is served there; a section of the config has the same name.

        ``stored`` are the sockets of an earlier process.
        """
        self._what = what
        self._endpoint = endpoint
        self._manager = manager
        self._socket = stored.get(endpoint)
        if self._socket is not None:
            manager.store_sockets([self._socket])

    def open(self) -> socket.socket:
        """Open it, unless it is open; OSError if it cannot be, such as at a port that is taken."""
        if self._socket is None:
            setting = f"[{self._what}] listen"
            self._socket = open_http_socket(self._endpoint, self._what, setting)
            self._manager.store_sockets([self._socket])
        return self._socket

    async def opened(self) -> socket.socket:
        """The open socket; waits while another program has the port."""
        waits = False
        while True:
            try:
                opened = self.open()
            except OSError as error:
                if not waits:
                    self._report(error)
                waits = True
                await asyncio.sleep(_AGAIN)
            else:
                break
        if waits:
            log.info("%s: %s are served there now", self._endpoint, self._what)
        return opened

    def pass_on(self) -> None:
        """Pass the socket on to the process that begins again in the place of this one."""
        if self._socket is not None:
            self._manager.pass_on(self._socket)

    def _report(self, error: OSError) -> None:
        log.error(
            "%s: %s cannot be served there (%s). DNS is not affected. Free the port or change "
            "[%s] listen; it is tried again each second",
            *(self._endpoint, self._what, error.strerror, self._what),
        )
