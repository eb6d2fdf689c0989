"""Counting in a worker: a cell of shared memory goes up, and that is all.

The memory belongs to the supervisor, which reads it at a scrape; this worker alone writes
it, so no lock is needed. Only what a plan names is counted: outcomes, rcodes and types by
VLAN and service, never a client or a name.
"""

import mmap
from bisect import bisect_left

from resolver.answers.cache import Cache
from resolver.policy.snapshot import Terms
from resolver.policy.verdict import NO_SERVICE, Outcome
from resolver.query import Path, Tally
from resolver.telemetry.metrics import DURATION_BOUNDS, UPSTREAM_RESULTS
from resolver.telemetry.slots import BEAT, MEMORY, Plan

ENCRYPTED_DNS = "encrypted-dns"
"""The category whose services are ways around this resolver."""

_RESULT = {result: place for place, result in enumerate(UPSTREAM_RESULTS)}
_UP = len(UPSTREAM_RESULTS)
_SUM = len(DURATION_BOUNDS) + 1


class Counters:
    """The cells of one worker."""

    def __init__(self, memory: int) -> None:
        """Map the shared memory behind a file descriptor."""
        self._cells = memoryview(mmap.mmap(memory, MEMORY)).cast("Q")
        self._plan: Plan | None = None
        self._bypass_kind: list[int | None] = []

    def follow(self, plan: Plan, terms: Terms) -> None:
        """Count by another plan from now on."""
        self._plan = plan
        self._bypass_kind = [
            int(service.always_nxdomain) if service.category == ENCRYPTED_DNS else None
            for service in terms.services
        ]

    def count(self, tally: Tally) -> None:
        """Count one query that has met its end."""
        plan = self._plan
        if plan is None:
            return
        cells = self._cells
        vlan, outcome, service, rcode, qtype, _ = tally
        cells[plan.queries[vlan][outcome][service + 1]] += 1
        cells[plan.types.get(qtype, plan.other_type)] += 1
        if outcome is not Outcome.DROPPED:
            cells[plan.responses[vlan][rcode]] += 1
        if service != NO_SERVICE and outcome in (Outcome.BLOCKED, Outcome.WOULD_BLOCK):
            kind = self._bypass_kind[service]
            if kind is not None:
                cells[plan.bypass[vlan][kind]] += 1

    def took(self, path: Path, seconds: float) -> None:
        """Note how long a query took."""
        if self._plan is not None:
            self._observe(self._plan.durations[path], seconds)

    def upstream(self, server: str, result: str, seconds: float | None = None) -> None:
        """Count the end of one attempt at a server, and how long its answer took."""
        cells = self._plan.upstreams.get(server) if self._plan is not None else None
        if cells is None:
            return
        self._cells[cells[_RESULT[result]]] += 1
        if seconds is not None:
            self._observe(cells[_UP + 1 :], seconds)

    def upstream_up(self, server: str, up: bool) -> None:
        """Say whether a server answers this worker."""
        cells = self._plan.upstreams.get(server) if self._plan is not None else None
        if cells is not None:
            self._cells[cells[_UP]] = int(up)

    def cache(self, cache: Cache) -> None:
        """Bring the cache's figures up to date; hits and misses go on from where they were."""
        if self._plan is None:
            return
        hits, misses, entries, octets = self._plan.cache
        cells = self._cells
        cells[hits] += cache.hits
        cells[misses] += cache.misses
        cache.hits = cache.misses = 0
        cells[entries] = len(cache)
        cells[octets] = cache.bytes

    def beat(self, now: float) -> None:
        """Give a sign of life; ``now`` is in monotonic seconds."""
        self._cells[BEAT] = int(now * 1000)

    def _observe(self, histogram: list[int], seconds: float) -> None:
        self._cells[histogram[bisect_left(DURATION_BOUNDS, seconds)]] += 1
        self._cells[histogram[_SUM]] += int(seconds * 1_000_000)
