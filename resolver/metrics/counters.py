"""Counting in a worker: a cell of shared memory goes up, and that is all.

The memory belongs to the supervisor, which reads it at a scrape; this worker alone writes
it, so no lock is needed. Only what a ``CounterMap`` names is counted: outcomes, rcodes and types by
VLAN and service, never a client or a name.
"""

import mmap
from collections.abc import Set
from typing import Final

from resolver.engine.cache import AnswerCache
from resolver.engine.labels import QueryLabels, ReplyPath
from resolver.metrics.definitions import (
    COUNTED_TYPES,
    DIFFERING_KINDS,
    DURATION_BOUNDS,
    UPSTREAM_RESULTS,
)
from resolver.metrics.layout import BEAT, DOWN, END, MEMORY, QUERY_TABLE, UNTRIED, UP, CounterMap

_RESULT: Final = {result: index for index, result in enumerate(UPSTREAM_RESULTS)}
_UP: Final = len(UPSTREAM_RESULTS)
_SUM: Final = len(DURATION_BOUNDS) + 1
_BOUNDS: Final = list(DURATION_BOUNDS)


class Counters:
    """The cells of one worker."""

    _map: CounterMap
    """Set by ``follow``, before anything is counted."""
    _durations: list[list[int]]
    """Those of the map, whose attributes take longer to find."""

    def __init__(self, memory: int) -> None:
        """Map the shared memory behind a file descriptor."""
        self.cells = memoryview(mmap.mmap(memory, MEMORY)).cast("Q")
        self._cell_of: dict[QueryLabels, int] = {}
        self._cell_of_key = self._counted_before()
        self._not_accepting = 0

    def _counted_before(self) -> dict[int, int]:
        """Where an earlier worker has counted here: a cell by label set."""
        counted: dict[int, int] = {}
        at = QUERY_TABLE
        while at < END and self.cells[at]:
            counted[self.cells[at]] = at + 1
            at += 2
        return counted

    def follow(self, counter_map: CounterMap) -> None:
        """Count by another map from now on."""
        self._map, self._durations = counter_map, counter_map.durations
        self._cell_of = {}
        self.cells[counter_map.not_accepting] = self._not_accepting  # an earlier worker's is over

    def cell(self, labels: QueryLabels) -> int:
        """Where such queries are counted under the map in force."""
        cell = self._cell_of.get(labels)
        if cell is None:
            cell = self._cell(labels)
            if labels.qtype in COUNTED_TYPES:  # the others are too many to be remembered
                self._cell_of[labels] = cell
        return cell

    def _cell(self, labels: QueryLabels) -> int:
        key = self._map.key(labels)
        cell = self._cell_of_key.get(key)
        if cell is None:
            at = QUERY_TABLE + 2 * len(self._cell_of_key)
            if at + 2 > END:  # tens of thousands of VLANs times services: the first count takes all
                return QUERY_TABLE + 1
            self.cells[at] = key
            cell = self._cell_of_key[key] = at + 1
        return cell

    def observe_duration(self, path: ReplyPath, seconds: float, queries: int = 1) -> None:
        """Add queries of one duration to the histogram of a path."""
        if queries:
            self._observe(self._durations[path], seconds, queries)

    def answered(self, server: str, seconds: float) -> None:
        """Count an attempt that a server has answered after so many seconds."""
        cells = self._map.upstreams.get(server)
        if cells is not None:
            self.cells[cells[0]] += 1
            self.cells[cells[_UP]] = UP
            self._observe(cells, seconds, 1, _UP + 1)

    def upstream(self, server: str, result: str) -> None:
        """Count the end of an attempt that a server has not answered well."""
        cells = self._map.upstreams.get(server)
        if cells is not None:
            self.cells[cells[_RESULT[result]]] += 1

    def differing(self, server: str, kind: str) -> None:
        """Count a second answer of a server that differs from the first."""
        cells = self._map.differing.get(server)
        if cells is not None:
            self.cells[cells[DIFFERING_KINDS.index(kind)]] += 1

    def upstream_up(self, server: str, up: bool | None) -> None:
        """Say whether a server answers this worker; None if it has not asked it yet."""
        cells = self._map.upstreams.get(server)
        if cells is not None:
            self.cells[cells[_UP]] = UNTRIED if up is None else UP if up else DOWN

    def other_upstreams_down(self, servers: Set[str]) -> None:
        """Say that no server but these can be asked: the others have no address so far."""
        for server in self._map.upstreams.keys() - servers:
            self.upstream_up(server, False)

    def records_lost(self, records: int) -> None:
        """Count records that found no room on their way to the block log."""
        self.cells[self._map.block_log_lost] += records

    def proxy_rejected(self, packets: int) -> None:
        """Count what a proxied listener drops: datagrams, or one connection."""
        self.cells[self._map.proxy_rejects] += packets

    def redirected(self, vlan: int) -> None:
        """Count a query that a gateway has redirected; ``vlan`` is -1 for an unknown client."""
        cells = self._map.redirected
        if cells:  # a listener of a config that is no longer in force goes on
            self.cells[cells[vlan]] += 1

    def not_accepting(self, sockets: int) -> None:
        """Say that so many sockets more accept no connection now; fewer, if negative."""
        self._not_accepting += sockets
        self.cells[self._map.not_accepting] = self._not_accepting

    def missing_forwards(self, queries: int) -> None:
        """Count queries for names whose forward zone is missing."""
        self.cells[self._map.missing_forwards] += queries

    def fallback_answered(self) -> None:
        """Count a question that a fallback server has answered."""
        self.cells[self._map.fallback_answers] += 1

    def cache(self, cache: AnswerCache) -> None:
        """Bring the cache's figures up to date; hits and misses go on from where they were."""
        hits, misses, entries, octets = self._map.cache
        cells = self.cells
        cells[hits] += cache.hits
        cells[misses] += cache.misses
        cache.hits = cache.misses = 0
        cells[entries] = len(cache)
        cells[octets] = cache.bytes

    def beat(self, now: float) -> None:
        """Give a sign of life; ``now`` is in monotonic seconds."""
        self.cells[BEAT] = int(now * 1000)

    def _observe(self, histogram: list[int], seconds: float, times: int, first: int = 0) -> None:
        bucket = 0  # compiled, this takes fewer instructions than a search by bisection
        while bucket < len(_BOUNDS) and seconds > _BOUNDS[bucket]:
            bucket += 1
        self.cells[histogram[first + bucket]] += times
        self.cells[histogram[first + _SUM]] += int(seconds * times * 1_000_000)
