"""The control socket: a Unix socket in the state directory; one JSON object in, one out.

Any process that may write to the socket may command the server; no other permission is checked. A
request gets its caller's user from the kernel (``requesting_user``). It names the config that the
caller means: configs in one folder have one state directory, so another config's server may answer.
``control_client`` asks.
"""

import asyncio
import contextlib
import json
import socket
import struct
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from resolver.metrics.part import Answer, Command, Part
from resolver.metrics.part_states import ControlSocketState
from resolver.supervisor.control_client import socket_address, socket_path
from resolver.supervisor.requesting_user import requesting_user
from resolver.system.log import log

_LONGEST = 16 << 20
"""Octets of a request, which may hold a whole config."""
_TIMEOUT = 5.0
"""Seconds in which a request must come."""
_CREDENTIALS = struct.Struct("iII")
_AGAIN: Final = 1.0
"""Seconds between two attempts to make the socket."""


class ControlServer:
    """The server's side: calls a command by its name."""

    def __init__(self, config: Path, commands: Mapping[str, Command]) -> None:
        """``config`` is the one that this server serves."""
        self._config = config
        self._commands = commands
        self._server: asyncio.Server | None = None
        self._path = Path()
        self._address = contextlib.ExitStack()
        """Keeps the address valid: from Python 3.13 on, asyncio looks at it at the end, too."""

    async def start(self, path: Path) -> None:
        """Listen. The socket of a server that was killed is replaced; OSError where that fails."""
        self._path = path
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
        self._address.close()
        address = self._address.enter_context(socket_address(path))
        self._server = await asyncio.start_unix_server(self._serve, address, limit=_LONGEST)
        path.chmod(0o660)

    def stop(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.close()
            with contextlib.suppress(OSError):  # a later server replaces it
                self._path.unlink()
            self._address.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, TimeoutError, ValueError):
            line = await asyncio.wait_for(reader.readline(), _TIMEOUT)
            answer = await self._answer(line, _caller(writer.get_extra_info("socket")))
            writer.write(json.dumps(answer).encode() + b"\n")
            await writer.drain()
        writer.close()

    async def _answer(self, line: bytes, caller: int) -> Answer:
        request = json.loads(line)
        name = request.get("command") if isinstance(request, dict) else None
        command = self._commands.get(name) if isinstance(name, str) else None
        if command is None:
            return {"error": f"there is no command {name!r}"}
        served = str(self._config.resolve())
        meant = request.get("config", served)
        if meant != served:
            advice = f"'darban reload {meant}' puts that file in its place"
            return {"error": f"the server that answers serves {served}, not {meant}; {advice}"}
        who = await requesting_user(caller, request.get("login"))
        return await command({**request, "who": who})


def _caller(end: socket.socket) -> int:
    """The user ID of the process that has connected."""
    credentials = end.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    _, user, _ = _CREDENTIALS.unpack(credentials)
    return int(user)


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
