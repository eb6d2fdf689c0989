"""What the kernel knows of a server's sockets and processes, read at a scrape."""

import os
import socket
import struct
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

_SO_MEMINFO = 55
_MEMINFO = struct.Struct("=9I")
_DROPS = 8
"""The place of SK_MEMINFO_DROPS."""
_PAGE = os.sysconf("SC_PAGE_SIZE")


class KernelReadings(NamedTuple):
    """What a scrape says of the kernel's knowledge."""

    drops: int | None
    """By the listening sockets, since they were opened; None where the kernel does not say."""
    memory: dict[str, int]
    """Octets by kind of process."""


def drops(sockets: Iterable[socket.socket]) -> int | None:
    """How many datagrams were dropped since a socket's queue was full."""
    try:
        return sum(_drops(each) for each in sockets if each.type == socket.SOCK_DGRAM)
    except OSError:
        return None


def _drops(listening: socket.socket) -> int:
    told = listening.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, _MEMINFO.size)
    return int(_MEMINFO.unpack(told)[_DROPS])


def resident(pids: Iterable[int]) -> int:
    """The octets that processes have in memory; those that have ended have none."""
    return sum(_resident(pid) for pid in pids)


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
    except OSError:
        return 0
