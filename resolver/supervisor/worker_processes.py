"""One worker process: start it, send it messages, notice that it hangs or has ended.

A worker starts by exec. It is never forked from this process, which has a loop. It inherits
its sockets and the shared memory of its counters. Both stay open here: the queries that wait in
the sockets of a dead worker are answered by its successor, and the counters go on where they
stopped.
"""

import asyncio
import contextlib
import json
import mmap
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable

from resolver import DarbanError
from resolver.metrics.layout import BEAT, MEMORY
from resolver.server.worker_channel import Channel, WorkerMessage
from resolver.system import child_process
from resolver.system.log import log

HANG = 2.0
"""Seconds without a heartbeat until a worker that serves is replaced."""
_START = 6.0
"""The same for one that does not serve yet: on a busy machine to load modules takes seconds."""
_REPLY = 20.0
"""Seconds that a worker may take to answer a message; the longest is to load a snapshot."""
BACKOFF = 1.0
"""Seconds between two starts of a worker that ends at once."""

_ALLOCATION = {"MALLOC_MMAP_THRESHOLD_": "131072"}
"""Makes glibc return the memory of each outgrown table of the answer cache. By default it keeps
these blocks among smaller ones: after two million names a server held 102 MiB instead of 92."""


class LoadFailed(DarbanError):
    """A worker cannot load a snapshot."""


class WorkerSlot:
    """A place for one worker: its sockets, its counters, and the process that runs there now."""

    def __init__(self, number: int, listening: list[socket.socket], block_log: int) -> None:
        """``block_log`` is the pipe that the worker writes records of blocked queries to."""
        self.number = number
        self.listening = listening
        self._block_log = block_log
        self._memory = os.memfd_create(f"darban-worker-{number}")
        os.ftruncate(self._memory, MEMORY)
        self.cells = memoryview(mmap.mmap(self._memory, MEMORY)).cast("Q")
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: Channel | None = None
        self._prepared: Channel | None = None
        self._pidfd = -1
        self._started = 0.0
        self.lock = asyncio.Lock()
        """Held from the first message of an exchange with the worker to the last reply."""
        self.serving = False
        self._stopping = False

    @property
    def pid(self) -> int | None:
        """The process ID of the worker that runs here now."""
        return None if self._process is None else self._process.pid

    async def start(self, on_exit: Callable[["WorkerSlot"], None]) -> None:
        """Start a worker; ``on_exit`` is called when its process has ended."""
        self._started = time.monotonic()
        ours, theirs = socket.socketpair()
        sockets = [listening.fileno() for listening in self.listening]
        given = {
            "number": self.number,
            "channel": theirs.fileno(),
            "memory": self._memory,
            "block_log": self._block_log,
            "listening": sockets,
        }
        self.cells[BEAT] = 0
        self._process = subprocess.Popen(
            child_process.command("resolver.server.worker", json.dumps(given)),
            pass_fds=[theirs.fileno(), self._memory, self._block_log, *sockets],
            env=child_process.environment() | _ALLOCATION,
            stdin=subprocess.DEVNULL,
        )
        theirs.close()
        self._channel = await Channel.over(ours)
        self._pidfd = os.pidfd_open(self._process.pid)
        asyncio.get_running_loop().add_reader(self._pidfd, self._reap, on_exit)

    async def prepare(self, message: WorkerMessage) -> bool:
        """Make the worker load a snapshot; False where it has ended. The caller has the lock.

        Raises:
            LoadFailed: the worker lives and cannot load it.
        """
        channel = self._channel
        reply = await self._request(message, "prepared", "refused")
        self._prepared = None if reply is None else channel
        if reply is not None and reply["type"] == "refused":
            raise LoadFailed(reply["reason"])
        return reply is not None

    async def commit(self) -> bool:
        """Make the worker serve the snapshot that it has prepared. The caller has the lock.

        Returns:
            Whether it serves it. A successor of the worker that prepared has nothing to commit.
        """
        prepared, self._prepared = self._prepared, None
        if prepared is None or prepared is not self._channel:
            return False
        self.serving = await self._request({"type": "commit"}, "committed") is not None
        return self.serving

    async def request(self, message: WorkerMessage, reply: str) -> WorkerMessage | None:
        """Send a message and wait for the reply of this kind; None where the worker ends."""
        async with self.lock:
            return await self._request(message, reply)

    async def _request(self, message: WorkerMessage, *replies: str) -> WorkerMessage | None:
        channel = self._channel
        if channel is None:
            return None
        channel.send(message)
        try:
            async with asyncio.timeout(_REPLY):
                while (reply := await channel.receive()) is not None:
                    if reply["type"] in replies:
                        return reply
        except TimeoutError:
            log.error("worker %d timed out on a control message; restarting it", self.number)
            self.kill()
        return None

    def send(self, message: WorkerMessage) -> None:
        """Send a message that has no reply."""
        if self._channel is not None:
            self._channel.send(message)

    def hangs(self) -> float:
        """Seconds since the last heartbeat, or the start, if they are too many; else 0."""
        if self._process is None:
            return 0.0
        silent = time.monotonic() - (self.cells[BEAT] / 1000 or self._started)
        return silent if silent > (HANG if self.serving else _START) else 0.0

    def kill(self) -> None:
        """Kill the worker."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGKILL)

    async def stop(self) -> None:
        """Close the channel, which ends the worker; kill it where it does not end."""
        process = self._process
        self._stopping = True
        if self._channel is not None:
            self._channel.close()
        deadline = time.monotonic() + HANG
        while process is not None and process.poll() is None and time.monotonic() < deadline:
            await asyncio.sleep(0.01)
        self.kill()

    def pause_before_restart(self) -> float:
        """Seconds to wait before the next start: none, unless the last worker ended at once."""
        lived = time.monotonic() - self._started
        return 0.0 if lived > BACKOFF else BACKOFF

    def _reap(self, on_exit: Callable[["WorkerSlot"], None]) -> None:
        asyncio.get_running_loop().remove_reader(self._pidfd)
        os.close(self._pidfd)
        if self._process is not None:
            code = self._process.wait()
            if not self._stopping:
                pid = self._process.pid
                log.warning("worker %d (pid %d) ended with %d", self.number, pid, code)
        self._process = None
        self.serving = False
        if self._channel is not None:
            self._channel.close()
        on_exit(self)
