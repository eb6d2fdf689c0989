"""Ports of this host that nobody listens on."""

import contextlib
import itertools
import os
import socket

_LOOPBACK = ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"))
_KINDS = (socket.SOCK_DGRAM, socket.SOCK_STREAM)
# Below the ports that the kernel gives to outgoing sockets, so that none takes one meanwhile.
_CANDIDATES = itertools.cycle(range(20000, 32000))


def free_port() -> int:
    """A port that is free for UDP and TCP on both loopback addresses; never twice the same."""
    for _ in range(1000):
        port = 20000 + (next(_CANDIDATES) + os.getpid() * 61) % 12000
        if is_free(port):
            return port
    raise AssertionError("no free port")


def is_free(port: int) -> bool:
    """Whether nobody holds the port."""
    try:
        with contextlib.ExitStack() as stack:
            for (family, address), kind in itertools.product(_LOOPBACK, _KINDS):
                held = stack.enter_context(socket.socket(family, kind))
                if kind == socket.SOCK_STREAM:
                    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                held.bind((address, port))
    except OSError:
        return False
    return True
