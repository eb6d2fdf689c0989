"""How one snapshot follows another in all workers, and how a worker gets the one in force.

Two steps: every worker prepares the next snapshot, then all of them put it in force. Each
worker is spoken with in its turn (``WorkerSlot.turn``): a reload takes the turns of all of them
at once, so a worker that has just been started waits until it is known which snapshot it is
to serve.

What must stay true:
- No worker serves another snapshot than ``now`` once ``replace`` has returned.
- Where one that lives cannot prepare the next, none puts it in force.
- Counters never go back: the layout outlives every snapshot.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from resolver.metrics.layout import CounterLayout
from resolver.policy.compiled import Terms
from resolver.policy.index import Index
from resolver.snapshot import store
from resolver.supervisor.block_log import BlockLogWriter
from resolver.supervisor.worker_processes import LoadFailed, WorkerSlot
from resolver.upstream.addresses import UpstreamAddresses
from resolver.worker.channel import Message

_ASK_HOSTS = 300.0
_ASK_UNKNOWN_HOSTS = 5.0
_FIRST_LOOKUP = 5.0
"""Seconds that a reload waits for the addresses of upstreams that it has not known before."""


@dataclass(frozen=True, slots=True, eq=False)
class ServedSnapshot:
    """A snapshot with what goes with it in the supervisor."""

    terms: Terms
    index: Index
    pinned: store.PinnedSnapshot
    hosts: UpstreamAddresses

    @property
    def place(self) -> Path:
        """Where it is saved."""
        return self.pinned.place


def read(place: Path) -> ServedSnapshot:
    """A saved snapshot, ready to be put in force.

    Raises:
        StateError: it cannot be read.
    """
    terms, index = store.load(place)
    return ServedSnapshot(terms, index, store.PinnedSnapshot(place), UpstreamAddresses(terms))


class Rollout:
    """The snapshot in force, and the workers that serve it."""

    def __init__(
        self,
        slots: list[WorkerSlot],
        first: ServedSnapshot,
        layout: CounterLayout,
        block_log: BlockLogWriter,
    ) -> None:
        self.now = first
        self._slots = slots
        self._layout = layout
        self._block_log = block_log
        block_log.follow(first.terms.settings.block_log)
        self._keeping: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Keep the addresses of upstreams that are given by name, from now on."""
        self._keeping = asyncio.create_task(self._keep_hosts())

    def end(self) -> None:
        """Keep them no more."""
        if self._keeping is not None:
            self._keeping.cancel()

    async def start_worker(self, slot: WorkerSlot, ended: Callable[[WorkerSlot], None]) -> None:
        """Start a worker and put the snapshot in force there."""
        self.now.pinned.restore()  # somebody may have tidied the state directory
        await slot.start(ended)
        async with slot.turn:
            if slot.serving:  # a reload has had this turn, and the worker with it
                return
            orders = self._orders(self.now)
            if await slot.prepare(orders) and await slot.commit():
                groups = self.now.hosts.groups()
                if groups != orders["groups"]:  # a host name was resolved meanwhile
                    slot.tell({"say": "upstreams", "groups": groups})

    async def replace(self, after: ServedSnapshot) -> None:
        """Put another snapshot in force in all workers.

        Workers that end meanwhile are started anew, with whatever is in force then.

        Raises:
            LoadFailed: no worker has changed; the reason is in the text.
        """
        after.hosts.learn(self.now.hosts)
        if after.hosts.unknown:
            await _at_most(_FIRST_LOOKUP, after.hosts)
        async with AsyncExitStack() as turns:
            for slot in self._slots:
                await turns.enter_async_context(slot.turn)
            await self._prepare(after)
            # From here on nothing is awaited before every worker that is ready has been told.
            self.now = after
            self._block_log.follow(after.terms.settings.block_log)
            self.end()
            await asyncio.gather(*(slot.commit() for slot in self._slots))
            self.begin()

    async def _prepare(self, after: ServedSnapshot) -> None:
        orders = self._orders(after)
        prepared = await asyncio.gather(
            *(slot.prepare(orders) for slot in self._slots), return_exceptions=True
        )
        faults = [each for each in prepared if isinstance(each, BaseException)]
        if not faults and any(prepared):
            return
        for slot in self._slots:
            slot.tell({"say": "forget"})
        self._orders(self.now)  # the upstreams that count are those of before
        raise faults[0] if faults else LoadFailed("no worker lived to load the snapshot")

    def _orders(self, snapshot: ServedSnapshot) -> Message:
        """What a worker must know to prepare a snapshot."""
        groups = snapshot.hosts.groups()
        names = {server["name"] for servers in groups.values() for server in servers}
        names.update(_names_to_resolve(snapshot.terms))
        plan = self._layout.plan(snapshot.terms, sorted(names))
        return {
            "say": "prepare",
            "snapshot": str(snapshot.place),
            "plan": plan._asdict(),
            "groups": groups,
        }

    def tell_upstreams(self) -> None:
        """Let the workers know the servers as they are now; resolv.conf may have changed."""
        groups = self.now.hosts.groups()
        for slot in self._slots:
            slot.tell({"say": "upstreams", "groups": groups})

    async def _keep_hosts(self) -> None:
        """Resolve upstream host names, soon while one is unknown and then from time to time."""
        hosts = self.now.hosts
        pause = 0.0 if hosts.unknown else _ASK_HOSTS
        while hosts.named:
            await asyncio.sleep(pause)
            await hosts.resolve()
            self.tell_upstreams()
            pause = _ASK_UNKNOWN_HOSTS if hosts.unknown else _ASK_HOSTS


async def _at_most(seconds: float, hosts: UpstreamAddresses) -> None:
    try:
        await asyncio.wait_for(hosts.resolve(), seconds)
    except TimeoutError:
        return


def _names_to_resolve(terms: Terms) -> Iterator[str]:
    """The upstreams given by host name, counted from the start though they have no address."""
    for group in terms.groups:
        for server in group.servers:
            if server.kind == "hostname":
                yield f"{server.host}:{server.port}"
