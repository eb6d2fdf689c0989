"""Listens for commands, also later where the control socket cannot be made at the start."""

import asyncio
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from resolver.log import log
from resolver.metrics.part_states import ControlSocketState
from resolver.part import Command, Part
from resolver.supervisor.control import ControlServer, socket_path

_AGAIN: Final = 1.0
"""Seconds between two attempts to make the socket."""


class ControlSocket(Part):
    """The control socket, once it can be made: the disk may be full or read-only."""

    def __init__(self, config: Path, state: Path) -> None:
        self._config = config
        self._path = socket_path(state)
        self._server: ControlServer | None = None
        self._listens = True

    def states(self) -> Iterable[object]:
        """A ``ControlSocketState``."""
        yield ControlSocketState(self._listens)

    async def listen(self, commands: Mapping[str, Command]) -> None:
        """Serve these commands, now or once the socket can be made."""
        self._server = ControlServer(self._config, commands)
        await self._try(self._server)

    async def run(self) -> None:
        """Make the socket where ``listen`` could not."""
        while self._server is not None and not self._listens:
            await asyncio.sleep(_AGAIN)
            await self._try(self._server)

    def stop(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.stop()

    async def _try(self, server: ControlServer) -> None:
        try:
            await server.start(self._path)
        except OSError as error:
            if self._listens:
                log.error("%s: no control socket (%s); no command can reach it", self._path, error)
            self._listens = False
        else:
            self._listens = True
