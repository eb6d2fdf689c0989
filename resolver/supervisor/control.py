"""The control socket: a Unix socket in the state directory; one JSON object in, one out.

Any process that may write to the socket may command the server; no other permission is checked. A
request gets its caller's user from the kernel (``person``). It names the config that the caller
means: configs in one folder have one state directory, so another config's server may answer.
"""

import asyncio
import contextlib
import json
import socket
import struct
from collections.abc import Mapping
from pathlib import Path

from resolver.errors import DarbanError
from resolver.part import Answer, Command, Request
from resolver.snapshot import store
from resolver.supervisor.person import login_uid, person

_LONGEST = 16 << 20
"""Octets of a request, which may hold a whole config."""
_TIMEOUT = 5.0
_CREDENTIALS = struct.Struct("iII")


class Unreachable(DarbanError):
    """No server answers on the control socket."""

    code = 3


def socket_path(state: Path) -> Path:
    """The control socket of a state directory."""
    return state / "control.sock"


class NotPermitted(DarbanError):
    """This user may not command the server."""

    code = 3


class ControlServer:
    """The server's side: calls a command by its name."""

    def __init__(self, config: Path, commands: Mapping[str, Command]) -> None:
        """``config`` is the one that this server serves."""
        self._config = config
        self._commands = commands
        self._server: asyncio.Server | None = None
        self._path = Path()

    async def start(self, path: Path) -> None:
        """Listen. The socket of a server that was killed is replaced; OSError where that fails."""
        self._path = path
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
        self._server = await asyncio.start_unix_server(self._serve, path, limit=_LONGEST)
        path.chmod(0o660)

    def stop(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.close()
            with contextlib.suppress(OSError):  # a later server replaces it
                self._path.unlink()

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
        own = str(self._config.resolve())
        meant = request.get("config", own)
        if meant != own:
            advice = f"'darban reload {meant}' puts that file in its place"
            return {"error": f"the server that answers serves {own}, not {meant}; {advice}"}
        return await command({**request, "who": await person(caller, request.get("login"))})


def _caller(end: socket.socket) -> int:
    """The user ID of the process that has connected."""
    credentials = end.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    _, user, _ = _CREDENTIALS.unpack(credentials)
    return int(user)


def ask(config: Path, request: Request, seconds: float = _TIMEOUT) -> Answer:
    """Send a request to the server of a config, and wait for its answer.

    Raises:
        Unreachable: the server does not run, or does not answer in time.
        NotPermitted: this user may not ask.
    """
    state = store.directory(config)
    path = socket_path(state)
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as end:
            end.settimeout(seconds)
            end.connect(str(path))
            meant = {**request, "config": str(config.resolve()), "login": login_uid()}
            end.sendall(json.dumps(meant).encode() + b"\n")
            with end.makefile("rb") as file:
                line = file.readline()
    except PermissionError:
        raise NotPermitted(
            f"{path}: permission denied; only root and members of the group that owns {state} may "
            "command its server"
        ) from None
    except TimeoutError:
        raise Unreachable(
            f"{path}: a server listens there and has not answered for {seconds:g} s; it may still "
            "do what it was asked"
        ) from None
    except OSError as error:
        start = f"darban run --config {config}"
        if state == store.SYSTEM_STATE:
            start = "systemctl start darban"
        raise Unreachable(
            f"no server answers on {path} ({error.strerror or error}); start it with '{start}', or "
            f"see in its log whether it can write to {state}"
        ) from None
    answer: Answer = json.loads(line or b'{"error": "the server gave no answer"}')
    return answer
