"""Ports of this host: which are free, and which a program listens on."""

import contextlib
import itertools
import os
import socket
from pathlib import Path

_LOOPBACK = ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"))
_KINDS = (socket.SOCK_DGRAM, socket.SOCK_STREAM)
# Below the ports that the kernel gives to outgoing sockets, so that none takes one meanwhile.
_CANDIDATES = itertools.cycle(range(20000, 32000))
# The states of sockets in /proc/PID/net, as include/net/tcp_states.h numbers them.
_UDP_UNCONNECTED, _TCP_LISTEN = "07", "0A"


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


def listens(pid: int, port: int) -> bool:
    """Whether somebody in the network of a process listens on a port, over UDP or TCP."""
    network = Path(f"/proc/{pid}/net")
    return _is_bound(network, "udp", port, _UDP_UNCONNECTED) or _is_bound(
        network, "tcp", port, _TCP_LISTEN
    )


def _is_bound(network: Path, protocol: str, port: int, state: str) -> bool:
    """Whether a table of sockets has the port in a state; proc_pid_net(5) has the columns."""
    for family in (protocol, f"{protocol}6"):
        for line in (network / family).read_text(encoding="ascii").splitlines()[1:]:
            _, local, _, found = line.split()[:4]
            if found == state and int(local.rpartition(":")[2], 16) == port:
                return True
    return False
