"""The counters of all workers, read from their shared memory and added up."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from resolver.metrics import definitions
from resolver.metrics.definitions import Metric
from resolver.metrics.layout import CounterLayout, is_up
from resolver.policy.verdict import Outcome

_BY_UPSTREAM = {
    *(definitions.UPSTREAM_QUERIES.name, definitions.UPSTREAM_DURATION.name),
    definitions.UPSTREAM_DIFFERING.name,
}
Labels = tuple[str, ...]

_BUCKETS = len(definitions.DURATION_BOUNDS) + 1


class CounterSums:
    """The sums at one moment, by metric and labels, and the counts of the query tables."""

    def __init__(self, layout: CounterLayout, memories: Sequence[memoryview]) -> None:
        """``memories`` are the counters of each worker, also of workers that have ended."""
        self._series: dict[str, dict[Labels, list[int]]] = defaultdict(lambda: defaultdict(list))
        self.ended = layout.ended()
        """The VLANs, services and upstreams that left the config long ago, by label and name."""
        for (metric, labels, _), cell in layout.cells.items():  # the parts of a series in order
            if metric in _BY_UPSTREAM and ("upstream", labels[0]) in self.ended:
                continue
            values = [memory[cell] for memory in memories]
            if metric != definitions.UPSTREAM_UP.name:
                self._series[metric][labels].append(sum(values))
            elif labels[0] in layout.upstreams:
                self._series[metric][labels].append(is_up(values))
        self.kinds = layout.kinds
        """The kind of each service that ever was a way around this resolver."""
        counts = [count for memory in memories for count in layout.query_counts(memory)]
        self.query_counts = [count for count in counts if count.outcome is not Outcome.HEALTH]
        """Without health checks: they say how often somebody looks, and nothing of clients."""
        self.health_checks = sum(count.times for count in counts if count.outcome is Outcome.HEALTH)

    def series(self, metric: Metric) -> Mapping[Labels, Sequence[int]]:
        """The series of a metric; those of a histogram end with the sum in microseconds."""
        return self._series[metric.name]

    @property
    def redirected(self) -> dict[str, int]:
        """The redirected queries by VLAN; empty where no listener is for them."""
        return {vlan: number for (vlan,), [number] in self.series(definitions.REDIRECTED).items()}

    def value(self, metric: Metric, *labels: str) -> int:
        """The sum of one series; 0 where nothing counts it."""
        return next(iter(self._series[metric.name].get(labels, ())), 0)

    def observations(self, metric: Metric, *labels: str) -> tuple[int, float]:
        """How many observations a series of a histogram holds, and their sum in seconds."""
        parts = self._series[metric.name].get(labels, [])
        return sum(parts[:_BUCKETS]), sum(parts[_BUCKETS:]) / 1e6
