"""Puts a snapshot in force in all workers, and gives a new worker the one in force.

A rollout has two steps. First every worker prepares the next snapshot. Then all of them commit
it. A rollout holds the lock of every worker (``WorkerSlot.lock``) from the first step to the
end of the second, so a worker that has just been started waits until it is known which snapshot
it is to serve.

What must stay true:
- After ``switch_to`` has returned, no worker serves another snapshot than ``current``.
- If a worker lives and cannot prepare the next snapshot, no worker commits it.
- Counters never go back: the counter layout outlives every snapshot.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from resolver.audit.block_log import BlockLogWriter
from resolver.metrics.layout import CounterLayout
from resolver.policy.compiled import CompiledConfig
from resolver.policy.index import Index
from resolver.server.worker_channel import WorkerMessage
from resolver.snapshot import store
from resolver.supervisor.background_tasks import BackgroundTasks
from resolver.supervisor.block_page import BlockPage
from resolver.supervisor.worker_processes import LoadFailed, WorkerSlot
from resolver.upstream.addresses import UpstreamAddresses, name_of

_RESOLVE = 60
"""Seconds between two look-ups of the upstreams' host names; aiodns keeps answers for their TTL."""
_RESOLVE_AGAIN = 5
"""The same, while a host name has no address, or a server does not answer at its addresses."""
_FIRST_LOOKUP = 5.0
"""Seconds that a rollout waits for the addresses of upstreams that the config has added."""


@dataclass(frozen=True, slots=True, eq=False)
class ServedSnapshot:
    """A snapshot, and what the supervisor needs to serve it."""

    compiled: CompiledConfig
    index: Index
    path: Path
    """The directory that it is saved in."""
    hosts: UpstreamAddresses


def read(path: Path) -> ServedSnapshot:
    """Read a saved snapshot.

    Raises:
        StateError: it cannot be read.
    """
    compiled, index = store.load(path)
    return ServedSnapshot(compiled, index, path, UpstreamAddresses(compiled))


class Rollout:
    """The snapshot in force, and the workers that serve it."""

    def __init__(
        self,
        slots: list[WorkerSlot],
        first: ServedSnapshot,
        block_log: BlockLogWriter,
        block_page: BlockPage,
        background: BackgroundTasks,
    ) -> None:
        self.current = first
        self.slots = slots
        self.layout = CounterLayout()
        self._block_log = block_log
        self._block_page = block_page
        block_log.follow(first.compiled.settings.block_log)
        self._background = background
        self._resolving: asyncio.Task[object] | None = None
        self._certificate = ""
        """The certificate of DNS over TLS with its key, in PEM; empty where there is none."""
        self._is_abroad_silent = False

    def start_resolving(self) -> None:
        """Resolve the upstreams of the snapshot that are given by host name, again and again."""
        if self._resolving is not None:
            self._resolving.cancel()
        self._resolving = self._background.keep(self._resolve_hosts)

    async def start_worker(
        self, slot: WorkerSlot, on_exit: Callable[[WorkerSlot], None], *, draining: bool
    ) -> None:
        """Start a worker and make it serve the snapshot in force."""
        await slot.start(on_exit)
        slot.send({"type": "drain", "draining": draining})
        if self._certificate:
            slot.send({"type": "certificate", "pem": self._certificate})
        async with slot.lock:
            if slot.serving:  # a rollout had the lock before, and has included this worker
                return
            message = self._prepare_message(self.current)
            if await slot.prepare(message) and await slot.commit():
                upstreams = self._plan_upstreams(self.current)
                if upstreams["groups"] != message["groups"]:  # they have changed meanwhile
                    slot.send({"type": "upstreams", **upstreams})
                slot.send({"type": "link", "is_abroad_silent": self._is_abroad_silent})

    def use_certificate(self, pem: str) -> None:
        """Have all workers present this certificate of DNS over TLS, also those to come."""
        self._certificate = pem
        for slot in self.slots:
            slot.send({"type": "certificate", "pem": pem})

    def use_link(self, *, is_abroad_silent: bool) -> None:
        """Report to all workers whether names abroad get no answer, also to those to come."""
        self._is_abroad_silent = is_abroad_silent
        for slot in self.slots:
            slot.send({"type": "link", "is_abroad_silent": is_abroad_silent})

    async def switch_to(self, new: ServedSnapshot) -> None:
        """Put another snapshot in force in all workers.

        A worker that ends meanwhile is replaced by one that serves what is in force then.

        Raises:
            LoadFailed: with the reason; no worker has changed.
        """
        new.hosts.learn(self.current.hosts)
        if new.hosts.unknown:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(new.hosts.resolve(), _FIRST_LOOKUP)
        async with contextlib.AsyncExitStack() as locks:
            for slot in self.slots:
                await locks.enter_async_context(slot.lock)
            await self._prepare(new)
            # No await from here until every prepared worker was sent the commit.
            self.current = new
            self._plan_upstreams(new)  # again: the old ones may have been planned after these
            self._block_log.follow(new.compiled.settings.block_log)
            await asyncio.gather(*(slot.commit() for slot in self.slots))
            self.start_resolving()
        await self._block_page.follow(new.path)

    async def _prepare(self, new: ServedSnapshot) -> None:
        message = self._prepare_message(new)
        prepared = await asyncio.gather(
            *(slot.prepare(message) for slot in self.slots), return_exceptions=True
        )
        errors = [result for result in prepared if isinstance(result, BaseException)]
        if not errors and any(prepared):
            return
        for slot in self.slots:
            slot.send({"type": "forget"})
        self._plan_upstreams(self.current)  # the layout counts the current upstreams again
        raise errors[0] if errors else LoadFailed("no worker lived to load the snapshot")

    def _prepare_message(self, snapshot: ServedSnapshot) -> WorkerMessage:
        upstreams = self._plan_upstreams(snapshot)
        return {"type": "prepare", "snapshot": str(snapshot.path), **upstreams}

    def _plan_upstreams(self, snapshot: ServedSnapshot) -> WorkerMessage:
        """Plan the counters of the upstream servers as they are now; both, as a message."""
        groups = snapshot.hosts.groups()
        names = {server["name"] for servers in groups.values() for server in servers}
        names.update(_maybe_without_address(snapshot))
        counter_map = self.layout.counter_map(snapshot.compiled, sorted(names))
        return {"counter_map": counter_map._asdict(), "groups": groups}

    def send_upstreams(self) -> None:
        """Send the workers the upstream servers as they are now."""
        upstreams = self._plan_upstreams(self.current)
        for slot in self.slots:
            slot.send({"type": "upstreams", **upstreams})

    def look_up_upstreams(self) -> None:
        """Read resolv.conf and resolve host names now, since somebody asks for it."""
        self.current.hosts.look()
        self.send_upstreams()
        self.start_resolving()

    async def _resolve_hosts(self) -> None:
        """Resolve upstream host names from time to time, and often while one needs it."""
        hosts = self.current.hosts
        while hosts.named:
            before = hosts.groups()
            await hosts.resolve()
            if hosts.groups() != before:
                self.send_upstreams()
            for second in range(_RESOLVE):
                await asyncio.sleep(1.0)
                if second + 1 >= _RESOLVE_AGAIN and (hosts.unknown or self._fails(hosts)):
                    break

    def _fails(self, hosts: UpstreamAddresses) -> bool:
        """Whether a server that is given by host name does not answer: its addresses may be old."""
        memories = [slot.cells for slot in self.slots]
        return any(self.layout.is_down(name, memories) for name in hosts.named_servers)


def _maybe_without_address(snapshot: ServedSnapshot) -> Iterator[str]:
    """Upstreams that may have no address yet. They are counted, and are down meanwhile."""
    system = snapshot.hosts.system
    for group in snapshot.compiled.groups:
        for server in group.servers:
            if server.kind == "hostname":
                yield name_of(server)
            elif server.kind == "system" and len(group.servers) == 1 and not system:
                yield "system"
