"""Commands ask the server of a config here, over its control socket (``control_socket``)."""

import contextlib
import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path

from resolver import DarbanError
from resolver.metrics.part import Answer, Request
from resolver.snapshot import store
from resolver.supervisor.requesting_user import login_uid
from resolver.system.files import opened_directory

_PATIENCE = 5.0
"""Seconds to wait for an answer, unless the caller says otherwise."""
_LONGEST_ADDRESS = 107
"""Octets of the path of a socket: ``sun_path`` in unix(7), less its NUL."""


def socket_path(state: Path) -> Path:
    """The control socket of a state directory."""
    return state / "control.sock"


@contextlib.contextmanager
def socket_address(path: Path) -> Iterator[str]:
    """What bind(2) and connect(2) take for a socket, whatever the length of its path."""
    if len(os.fsencode(path)) <= _LONGEST_ADDRESS:
        yield str(path)
        return
    with opened_directory(path.parent) as directory:
        yield f"/proc/self/fd/{directory}/{path.name}"


class Unreachable(DarbanError):
    """No server answers on the control socket."""

    code = 3


class NotPermitted(DarbanError):
    """This user may not command the server."""

    code = 3


def ask(config: Path, request: Request, seconds: float = _PATIENCE) -> Answer:
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
            with socket_address(path) as address:
                end.connect(address)
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
