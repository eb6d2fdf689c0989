"""The workers as the supervisor sees them: started, watched, replaced.

A worker is started by exec, never forked from this process, which has a loop; it inherits
its sockets, which stay open here, so that what is queued on them when it dies is answered
by its successor. Its memory stays as well: counters go on where they stopped.
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

from resolver.errors import DarbanError
from resolver.metrics.layout import BEAT, MEMORY
from resolver.metrics.log import log
from resolver.snapshot import child_process
from resolver.worker.channel import Channel, Message

STANDS_STILL = 2.0
"""Seconds without a sign of life after which a worker is replaced."""
_START = 10.0
"""Seconds that a worker may take to give its first sign of life."""
_PATIENCE = 20.0
"""Seconds that a worker may take for what it is told; the longest is to map a snapshot."""
_BACKOFF = 1.0
"""Seconds between the starts of a worker that does not stay alive."""


class LoadFailed(DarbanError):
    """A worker cannot load a snapshot."""


class WorkerSlot:
    """A place for one worker: its sockets, its memory, and the worker that is there now."""

    def __init__(self, number: int, listening: list[socket.socket], block_log: int) -> None:
        """``block_log`` is the pipe that it writes records of blocked queries to."""
        self.number = number
        self._block_log = block_log
        self.listening = listening
        self._memory = os.memfd_create(f"darban-worker-{number}")
        os.ftruncate(self._memory, MEMORY)
        self.cells = memoryview(mmap.mmap(self._memory, MEMORY)).cast("Q")
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: Channel | None = None
        self._pidfd = -1
        self._started = 0.0
        self._said: asyncio.Queue[Message | None] = asyncio.Queue()
        self._reading: asyncio.Task[None] | None = None
        self.turn = asyncio.Lock()
        """Held by whoever speaks with the worker until it has answered all."""
        self._ready: Channel | None = None
        self.serving = False
        self._ending = False

    @property
    def pid(self) -> int | None:
        """The process ID of the worker that is there now."""
        return None if self._process is None else self._process.pid

    async def start(self, ended: Callable[["WorkerSlot"], None]) -> None:
        """Start a worker here; ``ended`` is called when its process has ended."""
        self._started = time.monotonic()
        ours, theirs = socket.socketpair()
        given = {
            "number": self.number,
            "channel": theirs.fileno(),
            "memory": self._memory,
            "block_log": self._block_log,
            "listening": [listening.fileno() for listening in self.listening],
        }
        files = (theirs.fileno(), self._memory, self._block_log)
        inherited = [*files, *(s.fileno() for s in self.listening)]
        command = child_process.command("resolver.worker", json.dumps(given))
        self.cells[BEAT] = 0
        self._process = subprocess.Popen(
            command, pass_fds=inherited, env=child_process.environment(), stdin=subprocess.DEVNULL
        )
        theirs.close()
        self._channel = await Channel.over(ours)
        self._said = asyncio.Queue()
        self._reading = asyncio.create_task(self._read(self._channel, self._said))
        self._pidfd = os.pidfd_open(self._process.pid)
        asyncio.get_running_loop().add_reader(self._pidfd, self._reap, ended)

    async def prepare(self, orders: Message) -> bool:
        """In its turn: have the worker load a snapshot. False where it has gone.

        Raises:
            LoadFailed: the worker lives and cannot load it.
        """
        asked = self._channel
        answer = await self._ask(orders, "prepared", "refused")
        self._ready = None if answer is None else asked
        if answer is not None and answer["say"] == "refused":
            raise LoadFailed(answer["reason"])
        return answer is not None

    async def commit(self) -> bool:
        """In its turn: have the worker put in force what it has prepared; whether it did.

        A successor of the worker that prepared is not asked: it has nothing to commit.
        """
        ready, self._ready = self._ready, None
        if ready is None or ready is not self._channel:
            return False
        self.serving = await self._ask({"say": "commit"}, "committed") is not None
        return self.serving

    async def ask(self, message: Message, expected: str) -> Message | None:
        """Say something and wait for what is expected to be said; None if the worker ends."""
        async with self.turn:
            return await self._ask(message, expected)

    async def _ask(self, message: Message, *expected: str) -> Message | None:
        if self._channel is None:
            return None
        self._channel.send(message)
        try:
            return await asyncio.wait_for(self._hear(self._said, *expected), _PATIENCE)
        except TimeoutError:
            log.error("worker %d does not do what it is told and is replaced", self.number)
            self.kill()
            return None

    async def _hear(self, said: asyncio.Queue[Message | None], *expected: str) -> Message | None:
        while (answer := await said.get()) is not None:
            if answer["say"] in expected:
                return answer
        said.put_nowait(None)  # whoever asks next must learn it too
        return None

    def tell(self, message: Message) -> None:
        """Say something that needs no answer."""
        if self._channel is not None:
            self._channel.send(message)

    def stands_still(self) -> bool:
        """Whether the worker has given no sign of life for too long."""
        if self._process is None:
            return False
        now = time.monotonic()
        last = self.cells[BEAT] / 1000
        return now - last > STANDS_STILL if last else now - self._started > _START

    def kill(self, how: signal.Signals = signal.SIGKILL) -> None:
        """End the worker."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(how)

    async def end(self) -> None:
        """Let the worker end by itself, as it does when its channel closes."""
        process = self._process
        self._ending = True
        if self._channel is not None:
            self._channel.close()
        deadline = time.monotonic() + STANDS_STILL
        while process is not None and process.poll() is None and time.monotonic() < deadline:
            await asyncio.sleep(0.01)
        self.kill()

    def pause_before_restart(self) -> float:
        """Seconds to wait before a successor is started: none, unless this one died young."""
        lived = time.monotonic() - self._started
        return 0.0 if lived > _BACKOFF else _BACKOFF

    async def _read(self, channel: Channel, said: asyncio.Queue[Message | None]) -> None:
        while True:
            message = await channel.receive()
            said.put_nowait(message)
            if message is None:
                return

    def _reap(self, ended: Callable[["WorkerSlot"], None]) -> None:
        asyncio.get_running_loop().remove_reader(self._pidfd)
        os.close(self._pidfd)
        if self._process is not None:
            code = self._process.wait()
            if not self._ending:
                pid = self._process.pid
                log.warning("worker %d (pid %d) ended with %d", self.number, pid, code)
        self._process = None
        self.serving = False
        if self._channel is not None:
            self._channel.close()
        ended(self)
