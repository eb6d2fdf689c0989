"""Watches over what this server stands on: its clock, its addresses, its upstreams.

- ``ClockWatch`` notes the time in the state directory, so that a clock that is behind it is found.
- ``AddressWatch`` looks whether this host still has the addresses on which it serves DNS. A socket
  stays bound to an address that the host loses, without an error: its clients get nothing.
- ``UpstreamWatch`` counts how many of the queries to each upstream server have had no usable answer
  lately. A server that is up may fail all the same: it answers with errors, or comes and goes. A
  server that is a fallback alone is not judged: it is asked in a cut alone, also for names abroad,
  which nobody finds then.
"""

import asyncio
import time
from collections import deque
from collections.abc import Iterable
from typing import Final

from resolver.metrics import kernel
from resolver.metrics.layout import CounterLayout, UpstreamCounts
from resolver.metrics.part import Part
from resolver.metrics.part_states import AddressState, FailingUpstreams
from resolver.metrics.served_config import ServedConfig
from resolver.policy.upstream_groups import FALLBACK_GROUP
from resolver.snapshot.clock_note import note_time
from resolver.supervisor.rollout import Rollout
from resolver.system.interfaces import is_missing
from resolver.system.log import log

_NOTE_TIME: Final = 600.0
"""Seconds between two notes."""


class ClockWatch(Part):
    """The watch over the clock."""

    def __init__(self, config: ServedConfig) -> None:
        self._config = config

    async def run(self) -> None:
        """Note the time again and again, until cancelled."""
        while True:
            await asyncio.to_thread(self._note)  # the disk may hang
            await asyncio.sleep(_NOTE_TIME)

    def _note(self) -> None:
        note_time(self._config.state, time.time(), synchronised=kernel.clock_synchronised())


_LOOK_AT_ADDRESSES: Final = 5.0
"""Seconds between two looks."""


class AddressWatch(Part):
    """The watch over the addresses."""

    def __init__(self, config: ServedConfig) -> None:
        self._config = config
        self._missing: tuple[str, ...] = ()

    def states(self) -> Iterable[object]:
        """An ``AddressState``."""
        yield AddressState(self._missing)

    async def run(self) -> None:
        """Note the addresses that this host lacks, again and again, until cancelled."""
        while True:
            self._look()
            await asyncio.sleep(_LOOK_AT_ADDRESSES)

    def _look(self) -> None:
        settings = self._config.compiled.settings
        endpoints = (*settings.plain_listen, *settings.tls_listen)
        before = self._missing
        self._missing = tuple(
            str(endpoint) for endpoint in endpoints if is_missing(endpoint.address)
        )
        for address in set(self._missing) - set(before):
            text = "%s: this host has no such address now; its clients get no answers there"
            log.error(text, address)
        for address in set(before) - set(self._missing):
            log.warning("%s: this host has the address again, and serves it", address)


_LOOK_AT_UPSTREAMS: Final = 15.0
"""Seconds between two looks."""
_LOOKS: Final = 20
"""Looks in the five minutes that are counted together."""
_LEAST: Final = 30
"""Queries in this time from which on a server is judged."""
_SHARE: Final = 0.25
"""The share of queries without a usable answer from which on a server fails. Names whose own
servers are broken, and lost packets, are usually fewer."""


class UpstreamWatch(Part):
    """Knows which upstream servers fail."""

    def __init__(self, rollout: Rollout) -> None:
        self._rollout = rollout
        self._failing = FailingUpstreams()
        self._counts: deque[dict[str, UpstreamCounts]] = deque(maxlen=_LOOKS + 1)

    def states(self) -> Iterable[object]:
        """The ``FailingUpstreams``."""
        yield self._failing

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            self.look()
            await asyncio.sleep(_LOOK_AT_UPSTREAMS)

    def look(self) -> None:
        """Count once, and say which servers fail."""
        layout: CounterLayout = self._rollout.layout
        self._counts.append(layout.upstream_counts([slot.cells for slot in self._rollout.slots]))
        first, now = self._counts[0], self._counts[-1]
        groups = self._rollout.current.hosts.groups()
        judged = {
            server["name"]
            for group in groups
            if group != FALLBACK_GROUP
            for server in groups[group]
        }
        failing = (
            name
            for name, counts in now.items()
            if name in judged and _fails(first.get(name, UpstreamCounts()), counts)
        )
        self._failing = FailingUpstreams(frozenset(failing))


def _fails(before: UpstreamCounts, now: UpstreamCounts) -> bool:
    """Whether too many of the queries between two moments had no usable answer."""
    unanswered = now.unanswered - before.unanswered
    queries = now.answered - before.answered + unanswered
    return queries >= _LEAST and unanswered >= _SHARE * queries
