"""The layout of the counters in shared memory.

Each worker counts into its own memory, which the supervisor reads. A cell is one number of 64 bits
in it; the sum of a cell over all workers is a sample of a metric, in the words of Prometheus. The
first part of the memory has a cell for each sample that is known beforehand: of histograms, of the
cache, of upstreams. The supervisor's ``CounterLayout`` assigns the cells, and only grows. A
``CounterMap`` says which of them a worker counts in under a snapshot. The second part is the query
table, which the worker fills as queries come: a label set (VLAN, outcome, service, rcode, type and
transport in one number) and the count of such queries. So a query costs one increment, and the
metrics by VLAN, rcode, type and transport are sums over these counts.

What must stay true:
- A cell or number means the same for ever, over every reload. A worker goes on in the memory of
  the one that it replaces. So counters never go back.
"""

import time
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import NamedTuple

from resolver.dns.transport import Transport
from resolver.engine.labels import QueryLabels, ReplyPath
from resolver.metrics import definitions
from resolver.metrics.definitions import Metric
from resolver.policy.compiled import CompiledConfig
from resolver.policy.services import ENCRYPTED_DNS
from resolver.policy.verdict import Outcome

MEMORY = 8 << 20
"""Octets of a worker's memory; untouched pages cost nothing."""
CELL = 8
BEAT = 0
"""The cell of a worker's last heartbeat, in milliseconds of the monotonic clock."""
QUERY_TABLE = 1 << 18
"""The first cell of the query table: two cells a label set, its key and its count."""
END = MEMORY // CELL

UNKNOWN = "unknown"
NOT_ACCEPTING = Metric(
    "not_accepting", "gauge", "Listening sockets on which no TCP connection is accepted now", ()
)
"""Shown as a fault alone."""
UNTRIED, UP, DOWN = range(3)
"""The values of a worker's cell for an upstream server."""
_OTHER_TYPE = 0xFFFF
_IN_USE = 1 << 63
_KEPT = 86400.0
"""Seconds for which the series of what is no longer in the config are kept."""


class CounterKey(NamedTuple):
    """What a cell counts: a series, and for a histogram which part of it."""

    metric: str
    labels: tuple[str, ...]
    part: int = 0


class UpstreamCounts(NamedTuple):
    """Queries to an upstream server; those that may have met a forged answer are in neither."""

    answered: int = 0
    unanswered: int = 0
    """Those without a usable answer."""


class CounterMap(NamedTuple):
    """The cells and numbers that a worker counts by under a snapshot."""

    vlans: list[int]
    """The number of each VLAN; the last is for unknown clients."""
    services: list[int]
    """The number of each service; the last is for no service."""
    durations: list[list[int]]
    """By path: a cell a bucket, then the sum in microseconds."""
    cache: list[int]
    """Hits, misses, entries, octets."""
    block_log_lost: int
    redirected: list[int]
    """A cell of each VLAN, and the last for unknown clients; none without such a listener."""
    proxy_rejects: int
    missing_forwards: int
    not_accepting: int
    fallback_answers: int
    upstreams: dict[str, list[int]]
    """By server: a cell a result, one that says whether it is up, then its histogram."""
    differing: dict[str, list[int]]
    """By server: a cell a kind of differing answers."""

    def key(self, labels: QueryLabels) -> int:
        """The label set of such queries, as the query table has it."""
        qtype = labels.qtype if labels.qtype in definitions.COUNTED_TYPES else _OTHER_TYPE
        return (
            _IN_USE
            | labels.transport << 60
            | self.vlans[labels.vlan] << 44
            | labels.outcome << 40
            | self.services[labels.service] << 24
            | (labels.rcode & 0xFF) << 16
            | qtype
        )


class QueryCount(NamedTuple):
    """The queries of one label set."""

    vlan: str
    outcome: Outcome
    service: str
    rcode: int
    qtype: int | None
    """None for the types that are counted together."""
    transport: Transport
    times: int


def is_up(said: Collection[int]) -> bool:
    """Whether a server is up: it answered a worker, or it failed none."""
    return UP in said or DOWN not in said


class CounterLayout:
    """Assigns cells to series, and numbers to VLANs and services; only grows."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._left: dict[tuple[str, str], float] = {}
        """Since when no snapshot has a VLAN, service or upstream, by label and name."""
        self.cells: dict[CounterKey, int] = {}
        self.kinds: dict[str, str] = {}
        """The kind of each service that ever was a way around this resolver."""
        self.upstreams: frozenset[str] = frozenset()
        """The servers of the newest snapshot; only these are up or down, but all are counted."""
        self._vlans = {UNKNOWN: 0}
        self._services = {"": 0}

    def cell(self, metric: Metric, *labels: str, part: int = 0) -> int:
        """The cell of a metric with these labels."""
        return self.cells.setdefault(CounterKey(metric.name, labels, part), 1 + len(self.cells))

    def counter_map(self, compiled: CompiledConfig, upstreams: Iterable[str]) -> CounterMap:
        """The cells for a snapshot."""
        vlans = [self._vlans.setdefault(v.name, len(self._vlans)) for v in compiled.vlans]
        services = [
            self._services.setdefault(s.name, len(self._services)) for s in compiled.services
        ]
        self._note_kinds(compiled)
        self.upstreams = frozenset(upstreams)
        counter_map = CounterMap(
            [*vlans, self._vlans[UNKNOWN]],
            [*services, self._services[""]],
            [self._histogram(definitions.DURATION, path.name.lower()) for path in ReplyPath],
            [
                self.cell(definitions.CACHE_HITS),
                self.cell(definitions.CACHE_MISSES),
                self.cell(definitions.CACHE_ENTRIES),
                self.cell(definitions.CACHE_BYTES),
            ],
            self.cell(definitions.BLOCK_LOG_LOST),
            self._redirected(compiled),
            self.cell(definitions.PROXY_REJECTS),
            self.cell(definitions.MISSING_FORWARDS),
            self.cell(NOT_ACCEPTING),
            self.cell(definitions.FALLBACK_ANSWERS),
            {name: self._upstream(name) for name in sorted(self.upstreams)},
            {name: self._differing(name) for name in sorted(self.upstreams)},
        )
        self._note_left(compiled)
        if len(self.cells) >= QUERY_TABLE or max(len(self._vlans), len(self._services)) > 0xFFFF:
            raise MemoryError("more VLANs, services and upstreams than there are counters for")
        return counter_map

    def ended(self) -> frozenset[tuple[str, str]]:
        """The VLANs, services and upstreams whose series have ended, by label and name.

        They have left the config long ago. All of them are still counted: if one comes back, its
        counters go on.
        """
        end = self._clock() - _KEPT
        return frozenset(key for key, since in self._left.items() if since <= end)

    def _note_left(self, compiled: CompiledConfig) -> None:
        """Note what is no longer in the snapshot."""
        here = {("vlan", UNKNOWN), ("service", "")}
        here.update(("vlan", vlan.name) for vlan in compiled.vlans)
        here.update(("service", service.name) for service in compiled.services)
        here.update(("upstream", name) for name in self.upstreams)
        queried = definitions.UPSTREAM_QUERIES.name
        known = {("upstream", key.labels[0]) for key in self.cells if key.metric == queried}
        known.update(("vlan", name) for name in self._vlans)
        known.update(("service", name) for name in self._services)
        now = self._clock()
        self._left = {key: self._left.get(key, now) for key in known - here}

    def upstream_counts(self, memories: Iterable[memoryview]) -> dict[str, UpstreamCounts]:
        """The queries to each server of the newest snapshot, of all workers together."""
        memories = list(memories)

        def total(name: str, results: Iterable[str]) -> int:
            cells = [self.cell(definitions.UPSTREAM_QUERIES, name, result) for result in results]
            return sum(memory[cell] for cell in cells for memory in memories)

        answered, unanswered = definitions.UPSTREAM_ANSWERED, definitions.UPSTREAM_UNANSWERED
        return {
            name: UpstreamCounts(total(name, answered), total(name, unanswered))
            for name in self.upstreams
        }

    def is_down(self, upstream: str, memories: Iterable[memoryview]) -> bool:
        """Whether a worker has had no answers from a server, or from one of its addresses."""
        cell = self.cell(definitions.UPSTREAM_UP, upstream)
        return any(memory[cell] == DOWN for memory in memories)

    def query_counts(self, cells: memoryview) -> Iterator[QueryCount]:
        """The query table in a worker's memory."""
        vlans, services = list(self._vlans), list(self._services)
        for at in range(QUERY_TABLE, END, 2):
            key = cells[at]
            if not key:
                return
            qtype = key & 0xFFFF
            yield QueryCount(
                vlans[key >> 44 & 0xFFFF],
                Outcome(key >> 40 & 0xF),
                services[key >> 24 & 0xFFFF],
                key >> 16 & 0xFF,
                None if qtype == _OTHER_TYPE else qtype,
                Transport(key >> 60 & 3),
                cells[at + 1],
            )

    def _note_kinds(self, compiled: CompiledConfig) -> None:
        provider, canary = definitions.BYPASS_KINDS
        for service in compiled.services:
            if service.category == ENCRYPTED_DNS:
                kind = canary if service.always_nxdomain else provider
                self.kinds.setdefault(service.name, kind)

    def _histogram(self, metric: Metric, *labels: str) -> list[int]:
        parts = len(definitions.DURATION_BOUNDS) + 2
        return [self.cell(metric, *labels, part=part) for part in range(parts)]

    def _redirected(self, compiled: CompiledConfig) -> list[int]:
        vlans = (*(vlan.name for vlan in compiled.vlans), UNKNOWN)
        is_counted = bool(compiled.settings.redirected)
        return [self.cell(definitions.REDIRECTED, vlan) for vlan in vlans if is_counted]

    def _upstream(self, name: str) -> list[int]:
        results = [
            self.cell(definitions.UPSTREAM_QUERIES, name, result)
            for result in definitions.UPSTREAM_RESULTS
        ]
        up = self.cell(definitions.UPSTREAM_UP, name)
        return [*results, up, *self._histogram(definitions.UPSTREAM_DURATION, name)]

    def _differing(self, name: str) -> list[int]:
        kinds = definitions.DIFFERING_KINDS
        return [self.cell(definitions.UPSTREAM_DIFFERING, name, kind) for kind in kinds]
