"""Keeps the process of the block page running, where the config has a block page.

The page is served by a process of its own: it is for anybody who asks, and must not take time or
memory from the supervisor. The sockets stay open here, so a process that ends is replaced on them.
"""

import asyncio
import contextlib
import json
import socket
import time
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from resolver.metrics.part import Part
from resolver.metrics.part_states import BlockPageState
from resolver.policy.settings import Endpoint
from resolver.server.listening import open_http_socket
from resolver.system import child_process
from resolver.system.interfaces import is_missing
from resolver.system.log import log

_LOAD = 5.0
"""Seconds to wait until the process has loaded a snapshot."""
_END = 2.0
"""Seconds to wait until it has ended by itself."""
_BACKOFF = 1.0
"""Seconds from one start to the next, at least."""


class BlockPage(Part):
    """The process, and the snapshot that it serves by."""

    def __init__(self, endpoints: Sequence[Endpoint], first: Path) -> None:
        self._endpoints = endpoints
        self._served = False if endpoints else None
        self._snapshot = first
        self._process: Process | None = None
        self._control: socket.socket | None = None
        self._loading = asyncio.Lock()
        self._stopping = False

    @property
    def pid(self) -> int | None:
        """The process ID, while it runs."""
        return None if self._process is None else self._process.pid

    def states(self) -> Iterable[object]:
        """A ``BlockPageState``."""
        served = self._served
        if served:  # also where the process waits for an address that this host lacks
            served = not any(is_missing(endpoint.address) for endpoint in self._endpoints)
        yield BlockPageState(served)

    async def run(self) -> None:
        """Serve the page until ``stop``; nothing where it cannot be served anywhere."""
        listening = list(self._listen())
        while listening and not self._stopping:
            started = time.monotonic()
            try:
                await self._serve(listening)
            except OSError as error:
                log.error("the block page cannot be served now (%s)", error.strerror)
            await asyncio.sleep(max(0.0, started + _BACKOFF - time.monotonic()))

    async def follow(self, snapshot: Path) -> None:
        """Serve by another snapshot; returns when the process has loaded it, or after 5 s."""
        self._snapshot = snapshot
        loop = asyncio.get_running_loop()
        async with self._loading:
            control = self._control
            if control is not None:
                with contextlib.suppress(OSError, TimeoutError):
                    async with asyncio.timeout(_LOAD):
                        await loop.sock_sendall(control, str(snapshot).encode())
                        await loop.sock_recv(control, 1)

    async def stop(self) -> None:
        """End the process."""
        self._stopping = True
        process = self._process
        if self._control is not None:
            self._control.close()
        if process is not None:
            try:
                await asyncio.wait_for(process.wait(), _END)
            except TimeoutError:
                await child_process.kill(process)

    def _listen(self) -> Iterator[socket.socket]:
        for endpoint in self._endpoints:
            try:
                yield open_http_socket(endpoint, "the block page", "[block_page] listen")
            except OSError as error:
                log.error(
                    "%s: the block page cannot be served there (%s). DNS is not affected. "
                    "Free the port or change [block_page] listen",
                    endpoint,
                    error.strerror,
                )

    async def _serve(self, listening: Sequence[socket.socket]) -> None:
        """Start the process, and wait for its end."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        sockets = [socket_.fileno() for socket_ in listening]
        given = json.dumps({"control": theirs.fileno(), "listening": sockets})
        with ours:
            with theirs:
                self._process = process = await asyncio.create_subprocess_exec(
                    *child_process.expendable(
                        *child_process.command("resolver.web.block_page_process", given)
                    ),
                    env=child_process.environment(),
                    stdin=DEVNULL,
                    pass_fds=[theirs.fileno(), *sockets],
                )
            self._control = ours
            await self.follow(self._snapshot)
            self._served = len(listening) == len(self._endpoints)
            code = await process.wait()
            self._control = self._process = None
            self._served = False
        if not self._stopping:
            log.warning("the block page's process (pid %d) ended with %d", process.pid, code)
