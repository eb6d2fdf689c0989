"""Counts that the kernel keeps of a server's sockets and processes."""

import os
import socket
import struct
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

_SO_MEMINFO = 55
_MEMINFO = struct.Struct("=9I")
_DROPS = 8
"""SK_MEMINFO_DROPS of linux/sock_diag.h."""
_PAGE = os.sysconf("SC_PAGE_SIZE")


class KernelReadings(NamedTuple):
    """The kernel's counts at one moment."""

    drops: int | None
    """Datagrams that the listening sockets dropped; None where the kernel does not say."""
    memory: dict[str, int]
    """Resident octets by kind of process."""


def drops(sockets: Iterable[socket.socket]) -> int | None:
    """How many datagrams were dropped because the queue of a socket was full."""
    try:
        return sum(_drops(each) for each in sockets if each.type == socket.SOCK_DGRAM)
    except OSError:
        return None


def _drops(listening: socket.socket) -> int:
    info = listening.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, _MEMINFO.size)
    return int(_MEMINFO.unpack(info)[_DROPS])


def resident(pids: Iterable[int]) -> int:
    """The octets that processes have in memory; 0 for a process that has ended."""
    return sum(_resident(pid) for pid in pids)


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
    except OSError:
        return 0
