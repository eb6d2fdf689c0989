"""Which cell of shared memory counts what.

Every worker counts into a memory of its own that the supervisor reads; all agree on the
cells by a plan that the supervisor makes for a snapshot. The registry only grows, so a
counter keeps its cell over every reload, and a worker that replaces another goes on
counting where it stopped: counters never go back.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from resolver.dns import codes
from resolver.policy.snapshot import Terms
from resolver.policy.verdict import Outcome
from resolver.query import Path
from resolver.telemetry import metrics
from resolver.telemetry.metrics import Metric

MEMORY = 8 << 20
"""Octets of a worker's memory; untouched pages cost nothing."""
CELL = 8
BEAT = 0
"""The cell of a worker's last sign of life, in milliseconds of the monotonic clock."""
UNKNOWN = "unknown"

_RCODES = 24


class Key(NamedTuple):
    """What a cell counts: a metric, its labels, and for a histogram which of its cells."""

    metric: str
    labels: tuple[str, ...]
    part: int = 0


class Plan(NamedTuple):
    """The cells that a worker needs for a snapshot."""

    queries: list[list[list[int]]]
    """By VLAN (the last is of unknown clients), outcome, service (the first is of none)."""
    responses: list[list[int]]
    """By VLAN and rcode."""
    types: dict[int, int]
    other_type: int
    bypass: list[list[int]]
    """By VLAN and kind."""
    durations: list[list[int]]
    """By path: a cell a bucket, then the sum in microseconds."""
    cache: list[int]
    """Hits, misses, entries, octets."""
    upstreams: dict[str, list[int]]
    """By server: a cell a result, one that says up, then those of its histogram."""


_WITH_SERVICE = (Outcome.BLOCKED, Outcome.WOULD_BLOCK, Outcome.EXEMPTED)


class Registry:
    """Cells by what they count; only grows."""

    def __init__(self) -> None:
        self.cells: dict[Key, int] = {}

    def cell(self, metric: Metric, *labels: str, part: int = 0) -> int:
        """The cell of a metric with these labels."""
        return self.cells.setdefault(Key(metric.name, labels, part), 1 + len(self.cells))

    def plan(self, terms: Terms, upstreams: Iterable[str]) -> Plan:
        """Cells for everything that workers can count under a snapshot."""
        vlans = [vlan.name for vlan in terms.vlans] + [UNKNOWN]
        services = ["", *(service.name for service in terms.services)]
        plan = Plan(
            [[self._outcome(vlan, o, services) for o in Outcome] for vlan in vlans],
            [self._responses(vlan) for vlan in vlans],
            {n: self.cell(metrics.TYPES, codes.type_text(n)) for n in metrics.COUNTED_TYPES},
            self.cell(metrics.TYPES, metrics.OTHER_TYPE),
            [
                [self.cell(metrics.BYPASS, vlan, kind) for kind in metrics.BYPASS_KINDS]
                for vlan in vlans
            ],
            [self._histogram(metrics.DURATION, path.name.lower()) for path in Path],
            [
                self.cell(metrics.CACHE_HITS),
                self.cell(metrics.CACHE_MISSES),
                self.cell(metrics.CACHE_ENTRIES),
                self.cell(metrics.CACHE_BYTES),
            ],
            {name: self._upstream(name) for name in upstreams},
        )
        if len(self.cells) >= MEMORY // CELL:
            raise MemoryError("more VLANs, services and upstreams than there are counters for")
        return plan

    def _outcome(self, vlan: str, outcome: Outcome, services: list[str]) -> list[int]:
        counted = services if outcome in _WITH_SERVICE else [""]
        return [self.cell(metrics.QUERIES, vlan, outcome.label, service) for service in counted]

    def _responses(self, vlan: str) -> list[int]:
        names = [codes.RCODES.get(rcode, f"RCODE{rcode}") for rcode in range(_RCODES)]
        return [self.cell(metrics.RESPONSES, vlan, name) for name in names]

    def _histogram(self, metric: Metric, *labels: str) -> list[int]:
        parts = len(metrics.DURATION_BOUNDS) + 2
        return [self.cell(metric, *labels, part=part) for part in range(parts)]

    def _upstream(self, name: str) -> list[int]:
        results = [
            self.cell(metrics.UPSTREAM_QUERIES, name, result) for result in metrics.UPSTREAM_RESULTS
        ]
        up = self.cell(metrics.UPSTREAM_UP, name)
        return [*results, up, *self._histogram(metrics.UPSTREAM_DURATION, name)]


def plan_from_json(plain: Mapping[str, object]) -> Plan:
    """A plan that went through JSON as ``Plan._asdict()``: its number keys became text."""
    plan = Plan(**plain)  # type: ignore[arg-type] # this program wrote it
    return plan._replace(types={int(number): cell for number, cell in plan.types.items()})
