"""The Prometheus collector: reads the workers' cells and the supervisor's facts at a scrape.

Nothing is added up before somebody asks; a scrape sums the cells of all workers. Series
that a policy can produce are there from the start with 0, so that a rate over them works
from the first block on.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from resolver import __version__
from resolver.policy.snapshot import Policy, Terms
from resolver.policy.verdict import Outcome
from resolver.telemetry import metrics
from resolver.telemetry.metrics import Metric
from resolver.telemetry.slots import UNKNOWN, Registry

COUNTED = (
    metrics.QUERIES,
    metrics.RESPONSES,
    metrics.TYPES,
    metrics.BYPASS,
    metrics.CACHE_HITS,
    metrics.CACHE_MISSES,
    metrics.CACHE_ENTRIES,
    metrics.CACHE_BYTES,
    metrics.UPSTREAM_QUERIES,
    metrics.UPSTREAM_UP,
)
HISTOGRAMS = (metrics.DURATION, metrics.UPSTREAM_DURATION)


@dataclass(slots=True)
class Facts:
    """What the supervisor knows besides the counters."""

    terms: Terms
    snapshot: str
    """The hash of the snapshot in force."""
    loaded: float
    """When it was put in force, in seconds since 1970."""
    workers_expected: int
    workers: int = 0
    worker_restarts: int = 0
    config_ok: bool = True


class DarbanCollector(Collector):
    """Everything that Darban exports."""

    def __init__(
        self,
        registry: Registry,
        memories: Callable[[], Sequence[memoryview]],
        facts: Facts,
    ) -> None:
        """``memories`` gives the workers' cells, those of workers that ended included."""
        self._registry = registry
        self._memories = memories
        self._facts = facts

    def collect(self) -> Iterator[Family]:
        """All families, for one scrape."""
        cells = self._sums()
        for metric in COUNTED:
            yield self._counted(metric, cells[metric.name])
        for metric in HISTOGRAMS:
            yield _histogram(metric, cells[metric.name])
        yield from self._facts_as_metrics()

    def _sums(self) -> dict[str, dict[tuple[str, ...], dict[int, int]]]:
        memories = self._memories()
        sums: dict[str, dict[tuple[str, ...], dict[int, int]]] = defaultdict(
            lambda: defaultdict(dict)
        )
        for key, cell in self._registry.cells.items():
            value = sum(memory[cell] for memory in memories)
            sums[key.metric][key.labels][key.part] = value
        return sums

    def _counted(self, metric: Metric, series: dict[tuple[str, ...], dict[int, int]]) -> Family:
        family = _family(metric)
        always = self._expected() if metric is metrics.QUERIES else None
        for labels, parts in series.items():
            value = parts[0]
            if metric is metrics.UPSTREAM_UP:
                value = min(value, 1)
            if value or not metric.labels or _stays(metric, labels, always):
                family.add_metric(labels, value)
        return family

    def _expected(self) -> set[tuple[str, ...]]:
        """The series of queries that the policies in force can produce."""
        terms = self._facts.terms
        expected: set[tuple[str, ...]] = {(UNKNOWN, Outcome.REFUSED.label, "")}
        for vlan in terms.vlans:
            policy = terms.policies[vlan.policy]
            expected.add((vlan.name, Outcome.PASSED.label, ""))
            expected.update((vlan.name, outcome, name) for outcome, name in _blocks(policy, terms))
        return expected

    def _facts_as_metrics(self) -> Iterator[Family]:
        facts, terms = self._facts, self._facts.terms
        yield _gauge(metrics.CONFIG_OK, [((), float(facts.config_ok))])
        yield _gauge(metrics.SNAPSHOT_INFO, [((facts.snapshot,), 1)])
        yield _gauge(metrics.SNAPSHOT_LOADED, [((), facts.loaded)])
        yield _gauge(metrics.VLAN_INFO, ((labels, 1) for labels in _vlans(terms)))
        ends = (((exemption.id,), exemption.until) for exemption in terms.exemptions)
        yield _gauge(metrics.EXEMPTION_END, ends)
        entries = (((service.name,), service.entries) for service in terms.services)
        yield _gauge(metrics.LIST_ENTRIES, entries)
        yield _gauge(metrics.WORKERS, [((), facts.workers)])
        yield _gauge(metrics.WORKERS_EXPECTED, [((), facts.workers_expected)])
        restarts = _family(metrics.WORKER_RESTARTS)
        restarts.add_metric((), facts.worker_restarts)
        yield restarts
        yield _gauge(metrics.BUILD_INFO, [((__version__,), 1)])


def _family(metric: Metric) -> CounterMetricFamily | GaugeMetricFamily:
    kind = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
    return kind(metric.name, metric.text, labels=metric.labels)


def _gauge(metric: Metric, series: Iterable[tuple[tuple[str, ...], float]]) -> Family:
    family = GaugeMetricFamily(metric.name, metric.text, labels=metric.labels)
    for labels, value in series:
        family.add_metric(labels, value)
    return family


def _stays(metric: Metric, labels: tuple[str, ...], always: set[tuple[str, ...]] | None) -> bool:
    """Whether a series is shown while it is 0."""
    if always is not None:
        return labels in always
    return metric in (metrics.UPSTREAM_UP, metrics.UPSTREAM_QUERIES)


def _blocks(policy: Policy, terms: Terms) -> Iterator[tuple[str, str]]:
    outcome = Outcome.BLOCKED if policy.enforce else Outcome.WOULD_BLOCK
    for place, service in enumerate(terms.services):
        if policy.blocks >> place & 1:
            yield outcome.label, service.name


def _vlans(terms: Terms) -> Iterator[tuple[str, ...]]:
    for vlan in terms.vlans:
        policy = terms.policies[vlan.policy]
        number = "" if vlan.id is None else str(vlan.id)
        yield vlan.name, number, policy.name, "enforce" if policy.enforce else "audit"


def _histogram(metric: Metric, series: dict[tuple[str, ...], dict[int, int]]) -> Family:
    family = HistogramMetricFamily(metric.name, metric.text, labels=metric.labels)
    bounds = metrics.DURATION_BOUNDS
    for labels, parts in series.items():
        total = 0
        buckets: list[tuple[str, float]] = []
        for place, bound in enumerate((*bounds, None)):
            total += parts[place]
            buckets.append(("+Inf" if bound is None else str(float(bound)), total))
        family.add_metric(labels, buckets, sum_value=parts[len(bounds) + 1] / 1e6)
    return family
