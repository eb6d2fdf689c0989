"""Ports and loopback addresses of this host: which are free, and which a program listens on."""

import contextlib
import itertools
import os
import socket
from functools import cache
from pathlib import Path

_KINDS = (socket.SOCK_DGRAM, socket.SOCK_STREAM)
# Below the ports that the kernel gives to outgoing sockets, so that none takes one meanwhile.
# A worker has a part of them, so that two workers in one network never choose the same.
_FIRST, _COUNT = 20000, 12000
_PARTS = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % _PARTS
_CANDIDATES = itertools.cycle(range(_COUNT // _PARTS))
# The states of sockets in /proc/PID/net, as include/net/tcp_states.h numbers them.
_UDP_UNCONNECTED, _TCP_LISTEN = "07", "0A"


@cache
def has_ipv6() -> bool:
    """Whether loopback has an IPv6 address."""
    try:
        with socket.socket(socket.AF_INET6) as bound:
            bound.bind(("::1", 0))
    except OSError:
        return False
    return True


def loopback() -> list[tuple[socket.AddressFamily, str]]:
    """The families of this host, with the address of loopback in them."""
    ipv6 = [(socket.AF_INET6, "::1")] if has_ipv6() else []
    return [(socket.AF_INET, "127.0.0.1"), *ipv6]


def free_port() -> int:
    """A port that is free for UDP and TCP on loopback; a long time until it is given again."""
    for _ in range(1000):
        turn = (next(_CANDIDATES) + os.getpid() * 61) % (_COUNT // _PARTS)
        port = _FIRST + _WORKER * (_COUNT // _PARTS) + turn
        if is_free(port):
            return port
    raise AssertionError("no free port")


def is_free(port: int) -> bool:
    """Whether nobody holds the port."""
    try:
        with contextlib.ExitStack() as stack:
            for (family, address), kind in itertools.product(loopback(), _KINDS):
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
