"""systemd's notification protocol: report the service's state, and store its sockets.

A notification is a datagram of lines to the socket that NOTIFY_SOCKET names. systemd keeps the
descriptors that come with it while the service restarts, and passes them back as 3, 4 and so on.
So queries that arrive between two servers wait in sockets that never close.

What must stay true:
- Without a service manager, or with one that does not listen, nothing is done and nothing raised.
- The variables are removed from the environment: child processes must not notify.
"""

import array
import contextlib
import os
import select
import socket
from collections.abc import Sequence

_FIRST = 3
"""The first descriptor that systemd passes (SD_LISTEN_FDS_START)."""
_NAME = "listening"
_PASSED_ON = "DARBAN_PASSED_ON"
"""The variable with the numbers of the descriptors that an earlier program of this process had."""
_PER_MESSAGE = 128
"""Descriptors in one message; the kernel takes up to 253."""
_TIMEOUT = 2.0


class ServiceManager:
    """systemd, or no service manager."""

    def __init__(self) -> None:
        address = os.environ.pop("NOTIFY_SOCKET", "")
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self._passed = _take_descriptors()

    def take_stored_sockets(self) -> list[socket.socket]:
        """Take back the sockets that an earlier process has stored; systemd forgets them."""
        sockets = []
        for number in self._passed:
            try:
                stored = socket.socket(fileno=number)
            except OSError:  # not a socket, so not from this program
                os.close(number)
                continue
            if stored.family in (socket.AF_INET, socket.AF_INET6):
                stored.setblocking(False)
                sockets.append(stored)
            else:
                stored.close()
        if self._passed:
            self._passed = []
            self._notify(f"FDSTOREREMOVE=1\nFDNAME={_NAME}")
            self._barrier()
        return sockets

    def store_sockets(self, sockets: Sequence[socket.socket]) -> None:
        """Store sockets for the next process of this service."""
        text = f"FDSTORE=1\nFDNAME={_NAME}\nFDPOLL=0"
        for start in range(0, len(sockets), _PER_MESSAGE):
            self._notify(
                text, [socket_.fileno() for socket_ in sockets[start : start + _PER_MESSAGE]]
            )

    def forget_sockets(self) -> None:
        """Let systemd close the stored sockets, since this process begins again with others."""
        self._notify(f"FDSTOREREMOVE=1\nFDNAME={_NAME}")
        self._barrier()
        if self._address:
            os.environ["NOTIFY_SOCKET"] = self._address.replace("\0", "@", 1)

    def pass_on(self, kept: socket.socket) -> None:
        """Give a socket to the program that this process begins again with."""
        number = os.dup(kept.fileno())
        os.set_inheritable(number, True)
        os.environ[_PASSED_ON] = f"{os.environ.get(_PASSED_ON, '')} {number}"

    def ready(self) -> None:
        """The service has started."""
        self._notify("READY=1")

    def status(self, status: str) -> None:
        """Set the line that ``systemctl status`` shows."""
        self._notify(f"STATUS={status}")

    def keep_alive(self) -> None:
        """Restart the watchdog's timer."""
        self._notify("WATCHDOG=1")

    def stopping(self) -> None:
        """The service stops on request."""
        self._notify("STOPPING=1")

    def _notify(self, text: str, descriptors: Sequence[int] = ()) -> None:
        if not self._address:
            return
        along = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))]
        with (
            contextlib.suppress(OSError),
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end,
        ):
            end.settimeout(_TIMEOUT)
            end.connect(self._address)  # else poll(2) does not see that its queue is full
            end.sendmsg([text.encode()], along if descriptors else [])

    def _barrier(self) -> None:
        """Wait until systemd has handled all notifications: it then closes this descriptor."""
        reading, writing = os.pipe()
        self._notify("BARRIER=1", [writing])
        os.close(writing)
        select.select([reading], [], [], _TIMEOUT)
        os.close(reading)


def _take_descriptors() -> list[int]:
    """The descriptors that systemd or this process itself passed on; no child inherits them."""
    meant_for = os.environ.pop("LISTEN_PID", "")
    count = os.environ.pop("LISTEN_FDS", "")
    os.environ.pop("LISTEN_FDNAMES", None)
    passed_on = os.environ.pop(_PASSED_ON, "")
    numbers = [int(word) for word in passed_on.split() if word.isdecimal()]
    if meant_for == str(os.getpid()) and count.isdecimal():
        numbers += range(_FIRST, _FIRST + int(count))
    for number in numbers:
        os.set_inheritable(number, False)
    return numbers
