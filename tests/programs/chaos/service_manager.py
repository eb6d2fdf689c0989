"""A service manager as small as can be: it starts the server, and again when that has ended.

As systemd does, it ends what is left of the server first, as a worker that is stopped.
It keeps the sockets that the server stores, and passes them to the next process, as systemd does
by FileDescriptorStoreMax of deploy/systemd/darban.service.
"""

import os
import signal
import socket
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from tests.live.server import Server
from tests.live.waiting import wait_for

_RESTART = 0.5
"""RestartSec of the unit."""
_MOST = 253
# The descriptors of the first argument become 3, 4 and so on; then the rest is run.
_PASS = """\
import fcntl, os, sys
given = [int(n) for n in sys.argv[1].split(",") if n]
high = [fcntl.fcntl(number, fcntl.F_DUPFD, 1000) for number in given]
for number in given:
    os.close(number)
for place, number in enumerate(high, 3):
    os.dup2(number, place)
    os.close(number)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(high)))
os.execvp(sys.argv[2], sys.argv[2:])
"""


def kill(server: Server) -> None:
    """Kill a server, and wait until its service manager has started it again."""
    before = server.pid
    os.kill(before, signal.SIGKILL)
    wait_for(lambda: server.pid != before, "the server is started again")


class ServiceManager:
    """Keeps one server running."""

    def __init__(self, server: Server, place: Path) -> None:
        self._server = server
        self._through = server.through
        self._stored: list[int] = []
        self._stopping = threading.Event()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(place / "notify"))
        server.environment = {**server.environment, "NOTIFY_SOCKET": str(place / "notify")}
        self._socket.settimeout(0.2)
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._keeper = threading.Thread(target=self._keep, daemon=True)

    def __enter__(self) -> "ServiceManager":
        self._listener.start()
        self._server.start()
        self._keeper.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._server.kill_what_is_left()
        for thread in (self._keeper, self._listener):
            if thread.ident is not None:
                thread.join()
        self._socket.close()
        for number in self._stored:
            os.close(number)

    def _keep(self) -> None:
        """Start the server again, whenever it ends."""
        while True:
            self._server.ended(None)
            if self._stopping.wait(_RESTART):
                return
            self._server.kill_what_is_left()
            numbers = ",".join(map(str, self._stored))
            self._server.pass_fds = tuple(self._stored)
            self._server.through = [
                *self._through, sys.executable, "-S", "-E", "-c", _PASS, numbers,
            ]  # fmt: skip
            self._server.launch()

    def _listen(self) -> None:
        """Take the sockets that the server stores, and forget them when it says so."""
        while not self._stopping.is_set():
            try:
                text, numbers, _, _ = socket.recv_fds(self._socket, 4096, _MOST)
            except TimeoutError:
                continue
            lines = text.decode().splitlines()
            if "FDSTORE=1" in lines:
                self._stored += numbers
                continue
            if "FDSTOREREMOVE=1" in lines:
                self._close(self._stored)
                self._stored = []
            self._close(numbers)  # a barrier, which ends so

    @staticmethod
    def _close(numbers: Sequence[int]) -> None:
        for number in numbers:
            os.close(number)
