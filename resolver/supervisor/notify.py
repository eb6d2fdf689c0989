"""The service manager that started this process: told how it is, given sockets to keep.

This is systemd's notification protocol: lines in a datagram to the socket that NOTIFY_SOCKET
names. Descriptors sent along are kept while the service restarts, and come back as 3, 4 and
so on; so queries that arrive between two servers wait in sockets that never close.

What must stay true:
- Without a manager, and with one that does not listen, nothing here does or raises anything.
- Nothing of it is left in the environment: what this process starts must not speak for it.
"""

import array
import contextlib
import os
import select
import socket
from collections.abc import Sequence

_FIRST = 3
"""The descriptor at which those that are handed over begin."""
_NAME = "listening"
_A_MESSAGE = 128
"""Descriptors in one message; the kernel takes up to 253."""
_PATIENCE = 2.0


class ServiceManager:
    """systemd, or nobody."""

    def __init__(self) -> None:
        address = os.environ.pop("NOTIFY_SOCKET", "")
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self._given = _take_descriptors()

    def kept(self) -> list[socket.socket]:
        """The sockets that were kept for this process; the manager lets go of them."""
        kept = []
        for number in self._given:
            try:
                each = socket.socket(fileno=number)
            except OSError:  # no socket: none of this program's
                os.close(number)
                continue
            if each.family in (socket.AF_INET, socket.AF_INET6):
                each.setblocking(False)
                kept.append(each)
            else:
                each.close()
        if self._given:
            self._given = []
            self._say(f"FDSTOREREMOVE=1\nFDNAME={_NAME}")
            self._wait_until_done()
        return kept

    def keep(self, sockets: Sequence[socket.socket]) -> None:
        """Have these open until the next process of this service asks for them."""
        text = f"FDSTORE=1\nFDNAME={_NAME}\nFDPOLL=0"
        for start in range(0, len(sockets), _A_MESSAGE):
            self._say(text, [each.fileno() for each in sockets[start : start + _A_MESSAGE]])

    def ready(self) -> None:
        """The service has started."""
        self._say("READY=1")

    def status(self, status: str) -> None:
        """How it is, in a line for whoever asks the manager."""
        self._say(f"STATUS={status}")

    def alive(self) -> None:
        """Put the watchdog off once more."""
        self._say("WATCHDOG=1")

    def stopping(self) -> None:
        """The service ends, as it was told to."""
        self._say("STOPPING=1")

    def _say(self, text: str, descriptors: Sequence[int] = ()) -> None:
        if not self._address:
            return
        along = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))]
        with (
            contextlib.suppress(OSError),
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end,
        ):
            end.settimeout(_PATIENCE)
            end.sendmsg([text.encode()], along if descriptors else [], 0, self._address)

    def _wait_until_done(self) -> None:
        """Wait until what was said has been done: the manager then closes what it is sent."""
        reading, writing = os.pipe()
        self._say("BARRIER=1", [writing])
        os.close(writing)
        select.select([reading], [], [], _PATIENCE)
        os.close(reading)


def _take_descriptors() -> list[int]:
    """The descriptors that were handed over to this process, no longer to be inherited."""
    meant_for = os.environ.pop("LISTEN_PID", "")
    count = os.environ.pop("LISTEN_FDS", "")
    os.environ.pop("LISTEN_FDNAMES", None)
    if meant_for != str(os.getpid()) or not count.isdecimal():
        return []
    numbers = list(range(_FIRST, _FIRST + int(count)))
    for number in numbers:
        os.set_inheritable(number, False)
    return numbers
