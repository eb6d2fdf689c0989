"""What the kernel knows of a server's sockets and processes, and of the clock."""

import ctypes
import os
import socket
import struct
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

_SO_MEMINFO = 55
_MEMINFO = struct.Struct("=9I")
_DROPS = 8
"""SK_MEMINFO_DROPS of linux/sock_diag.h."""
_Timex = ctypes.c_char * 256
"""Octets that hold a ``struct timex``, which is shorter on every architecture."""
_TIME_ERROR = 5
_PAGE = os.sysconf("SC_PAGE_SIZE")
_LIBC = ctypes.CDLL(None)
"""Made once, as ``_Timex`` is: each makes a class, in cycles that wait for a garbage collection."""


class KernelReadings(NamedTuple):
    """The kernel's counts at one moment."""

    drops: int | None
    """Datagrams dropped because a listening socket's queue was full; None where unknown."""
    memory: dict[str, int]
    """Resident octets by kind of process."""


def read(
    sockets: Iterable[socket.socket], processes: Mapping[str, Iterable[int]]
) -> KernelReadings:
    """Read the counts of listening sockets, and of the processes of each kind by their IDs."""
    try:
        drops = sum(_drops(socket_) for socket_ in sockets if socket_.type == socket.SOCK_DGRAM)
    except OSError:
        drops = None
    memory = {kind: sum(map(_resident, process)) for kind, process in processes.items()}
    return KernelReadings(drops, memory)


def clock_synchronised() -> bool | None:
    """Whether an NTP or PTP program keeps the clock right; None where the kernel does not tell.

    The kernel no longer believes so when it was not told for some hours. A container may not ask.
    """
    state = _LIBC.adjtimex(_Timex())  # zeros: only read
    return None if state < 0 else state != _TIME_ERROR


def _drops(listening: socket.socket) -> int:
    info = listening.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, _MEMINFO.size)
    return int(_MEMINFO.unpack(info)[_DROPS])


def _resident(pid: int) -> int:
    """The octets that a process has in memory; 0 where it has ended."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
    except OSError:
        return 0
