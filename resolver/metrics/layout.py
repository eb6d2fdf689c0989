"""Which cell of shared memory counts what.

Every worker counts into a memory of its own that the supervisor reads. Its first part has a
cell for each thing that a plan names: histograms, the cache, upstreams; the supervisor's
registry gives them out and only grows. Its second part is a table of query labels, filled by the
worker as they occur: a row has what was counted (VLAN, outcome, service, rcode and type in
one number) and how often. One cell goes up for a query, and the metrics by VLAN, by rcode
and by type are sums over the rows.

What must stay true:
- Cells and numbers mean the same for ever, over every reload; a worker that replaces another
  goes on in its memory. So counters never go back.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import NamedTuple

from resolver.engine.labels import Path, QueryLabels
from resolver.metrics import definitions
from resolver.metrics.definitions import Metric
from resolver.policy.compiled import Terms
from resolver.policy.verdict import Outcome

MEMORY = 8 << 20
"""Octets of a worker's memory; untouched pages cost nothing."""
CELL = 8
BEAT = 0
"""The cell of a worker's last sign of life, in milliseconds of the monotonic clock."""
TALLIES = 1 << 18
"""The first cell of the table of query labels: two cells a row, the key first."""
END = MEMORY // CELL

UNKNOWN = "unknown"
ENCRYPTED_DNS = "encrypted-dns"
"""The category whose services are ways around this resolver."""
UNTRIED, UP, DOWN = range(3)
"""What a worker's cell says of an upstream server."""
_OTHER_TYPE = 0xFFFF
_IN_USE = 1 << 63


class CounterKey(NamedTuple):
    """What a cell counts: a metric, its labels, and for a histogram which of its cells."""

    metric: str
    labels: tuple[str, ...]
    part: int = 0


class CounterPlan(NamedTuple):
    """What a worker needs to count by, for a snapshot."""

    vlans: list[int]
    """Each VLAN's number; the last is of unknown clients."""
    services: list[int]
    """Each service's number; the last is of none."""
    durations: list[list[int]]
    """By path: a cell a bucket, then the sum in microseconds."""
    cache: list[int]
    """Hits, misses, entries, octets."""
    block_log_lost: int
    upstreams: dict[str, list[int]]
    """By server: a cell a result, one that says up, then those of its histogram."""

    def row(self, labels: QueryLabels) -> int:
        """The key of some labels's row."""
        qtype = labels.qtype if labels.qtype in definitions.COUNTED_TYPES else _OTHER_TYPE
        return (
            _IN_USE
            | self.vlans[labels.vlan] << 44
            | labels.outcome << 40
            | self.services[labels.service] << 24
            | (labels.rcode & 0xFF) << 16
            | qtype
        )


class CounterRow(NamedTuple):
    """A row of the table, read."""

    vlan: str
    outcome: Outcome
    service: str
    rcode: int
    qtype: int | None
    """None for the types that are counted together."""
    times: int


def is_up(said: Collection[int]) -> bool:
    """Whether a server is up by what workers say: one had its answer, or none missed one."""
    return UP in said or DOWN not in said


class CounterLayout:
    """Cells and numbers by what they mean; only grows."""

    def __init__(self) -> None:
        self.cells: dict[CounterKey, int] = {}
        self.kinds: dict[str, str] = {}
        """The services that ever were ways around this resolver, and which kind each was."""
        self.upstreams: frozenset[str] = frozenset()
        """Those of the last plan; the counters of others stay, but they are not up or down."""
        self._vlans = {UNKNOWN: 0}
        self._services = {"": 0}

    def cell(self, metric: Metric, *labels: str, part: int = 0) -> int:
        """The cell of a metric with these labels."""
        return self.cells.setdefault(CounterKey(metric.name, labels, part), 1 + len(self.cells))

    def plan(self, terms: Terms, upstreams: Iterable[str]) -> CounterPlan:
        """All that workers count by under a snapshot."""
        vlans = [self._vlans.setdefault(v.name, len(self._vlans)) for v in terms.vlans]
        services = [self._services.setdefault(s.name, len(self._services)) for s in terms.services]
        self._note_kinds(terms)
        self.upstreams = frozenset(upstreams)
        plan = CounterPlan(
            [*vlans, self._vlans[UNKNOWN]],
            [*services, self._services[""]],
            [self._histogram(definitions.DURATION, path.name.lower()) for path in Path],
            [
                self.cell(definitions.CACHE_HITS),
                self.cell(definitions.CACHE_MISSES),
                self.cell(definitions.CACHE_ENTRIES),
                self.cell(definitions.CACHE_BYTES),
            ],
            self.cell(definitions.BLOCK_LOG_LOST),
            {name: self._upstream(name) for name in sorted(self.upstreams)},
        )
        if len(self.cells) >= TALLIES or max(len(self._vlans), len(self._services)) > 0xFFFF:
            raise MemoryError("more VLANs, services and upstreams than there are counters for")
        return plan

    def rows(self, cells: memoryview) -> Iterator[CounterRow]:
        """The table of query labels in a worker's memory."""
        vlans, services = list(self._vlans), list(self._services)
        for at in range(TALLIES, END, 2):
            key = cells[at]
            if not key:
                return
            qtype = key & 0xFFFF
            yield CounterRow(
                vlans[key >> 44 & 0xFFFF],
                Outcome(key >> 40 & 0xF),
                services[key >> 24 & 0xFFFF],
                key >> 16 & 0xFF,
                None if qtype == _OTHER_TYPE else qtype,
                cells[at + 1],
            )

    def _note_kinds(self, terms: Terms) -> None:
        provider, canary = definitions.BYPASS_KINDS
        for service in terms.services:
            if service.category == ENCRYPTED_DNS:
                kind = canary if service.always_nxdomain else provider
                self.kinds.setdefault(service.name, kind)

    def _histogram(self, metric: Metric, *labels: str) -> list[int]:
        parts = len(definitions.DURATION_BOUNDS) + 2
        return [self.cell(metric, *labels, part=part) for part in range(parts)]

    def _upstream(self, name: str) -> list[int]:
        results = [
            self.cell(definitions.UPSTREAM_QUERIES, name, result)
            for result in definitions.UPSTREAM_RESULTS
        ]
        up = self.cell(definitions.UPSTREAM_UP, name)
        return [*results, up, *self._histogram(definitions.UPSTREAM_DURATION, name)]


def plan_from_json(plain: Mapping[str, object]) -> CounterPlan:
    """A plan that went through JSON as ``CounterPlan._asdict()``."""
    return CounterPlan(**plain)  # type: ignore[arg-type] # this program wrote it
