"""The Prometheus collector: reads the workers' cells and the supervisor's facts at a scrape.

Nothing is added up before somebody asks; a scrape sums the cells of all workers.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from resolver import __version__, build
from resolver.dns import codes
from resolver.metrics import definitions, initial_series
from resolver.metrics.definitions import Metric
from resolver.metrics.kernel import KernelReadings
from resolver.metrics.layout import CounterLayout, is_up
from resolver.metrics.status import LastReload
from resolver.policy.compiled import Policy, Terms
from resolver.policy.verdict import Outcome

COUNTED = (
    definitions.CACHE_HITS,
    definitions.CACHE_MISSES,
    definitions.CACHE_ENTRIES,
    definitions.CACHE_BYTES,
    definitions.UPSTREAM_QUERIES,
    definitions.UPSTREAM_UP,
)
HISTOGRAMS = (definitions.DURATION, definitions.UPSTREAM_DURATION)
_CAUGHT = (Outcome.BLOCKED, Outcome.WOULD_BLOCK)

Sums = Counter[tuple[str, ...]]


@dataclass(slots=True)
class BlockLogState:
    """What has become of the records that the workers sent."""

    path: Path | None = None
    """Where; None while none is wanted."""
    records: int = 0
    lost: int = 0
    problem: str = ""
    """Why nothing can be written now; empty while all is well."""


@dataclass(slots=True)
class FetchState:
    """How fetching a list stands."""

    updated: float = 0.0
    """When it was last known to be up to date, in seconds since 1970; 0 for never."""
    failures: int = 0
    """Since the server started."""


@dataclass(slots=True)
class ServerFacts:
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
    lists: dict[str, FetchState] = field(default_factory=dict)
    """How fetching each list stands, by name."""
    reloads: Counter[str] = field(default_factory=Counter)
    """By their results."""
    last_reload: LastReload | None = None
    block_log: BlockLogState = field(default_factory=BlockLogState)

    @property
    def lacks_lists(self) -> bool:
        """Whether a list of the config has never been fetched, and so blocks nothing."""
        fetched = [name for name, each in self.lists.items() if each.updated]
        return any(each.name not in fetched for each in self.terms.subscriptions)


class DarbanCollector(Collector):
    """Everything that Darban exports."""

    def __init__(
        self,
        layout: CounterLayout,
        memories: Callable[[], Sequence[memoryview]],
        facts: ServerFacts,
        readings: Callable[[], KernelReadings],
    ) -> None:
        """``memories`` gives the workers' cells, those of workers that ended included."""
        self._layout = layout
        self._memories = memories
        self._facts = facts
        self._readings = readings

    def collect(self) -> Iterator[Family]:
        """All families, for one scrape."""
        yield from self._tallies()
        cells = self._sums()
        for metric in COUNTED:
            yield _counted(metric, cells[metric.name])
        for metric in HISTOGRAMS:
            yield _histogram(metric, cells[metric.name])
        lost = _family(definitions.BLOCK_LOG_LOST)
        by_workers = sum(cells[definitions.BLOCK_LOG_LOST.name][()].values())
        lost.add_metric((), by_workers + self._facts.block_log.lost)
        yield lost
        yield from self._facts_as_metrics()
        yield from self._readings_as_metrics()

    def _sums(self) -> dict[str, dict[tuple[str, ...], dict[int, int]]]:
        memories = self._memories()
        sums: dict[str, dict[tuple[str, ...], dict[int, int]]] = defaultdict(
            lambda: defaultdict(dict)
        )
        upstreams, up = self._layout.upstreams, definitions.UPSTREAM_UP.name
        for key, cell in self._layout.cells.items():
            if key.metric == up and key.labels[0] not in upstreams:
                continue
            said = [memory[cell] for memory in memories]
            value = int(is_up(said)) if key.metric == up else sum(said)
            sums[key.metric][key.labels][key.part] = value
        return sums

    def _tallies(self) -> Iterator[Family]:
        """The metrics that are sums over the rows of the workers' tables."""
        terms, kinds = self._facts.terms, self._layout.kinds
        queries, responses = (
            _zeros(initial_series.queries(terms)),
            _zeros(initial_series.responses(terms)),
        )
        types, bypass = _zeros(initial_series.types()), _zeros(initial_series.bypass(terms, kinds))
        for memory in self._memories():
            for row in self._layout.rows(memory):
                queries[row.vlan, row.outcome.label, row.service] += row.times
                name = definitions.OTHER_TYPE if row.qtype is None else codes.type_text(row.qtype)
                types[(name,)] += row.times
                if row.outcome is not Outcome.DROPPED:
                    rcode = codes.RCODES.get(row.rcode, f"RCODE{row.rcode}")
                    responses[row.vlan, rcode] += row.times
                if row.service in kinds and row.outcome in _CAUGHT:
                    bypass[row.vlan, kinds[row.service]] += row.times
        yield _summed(definitions.QUERIES, queries)
        yield _summed(definitions.RESPONSES, responses)
        yield _summed(definitions.TYPES, types)
        yield _summed(definitions.BYPASS, bypass)

    def _facts_as_metrics(self) -> Iterator[Family]:
        facts, terms = self._facts, self._facts.terms
        yield _gauge(
            definitions.CONFIG_OK, [((), float(facts.config_ok and not facts.lacks_lists))]
        )
        results = {(result,): facts.reloads[result] for result in definitions.RELOAD_RESULTS}
        yield _summed(definitions.RELOADS, Counter(results))
        yield _gauge(definitions.SNAPSHOT_INFO, [((facts.snapshot,), 1)])
        yield _gauge(definitions.SNAPSHOT_LOADED, [((), facts.loaded)])
        yield _gauge(definitions.VLAN_INFO, ((labels, 1) for labels in _vlans(terms)))
        bans = (((vlan.name,), _bans(terms.policies[vlan.policy])) for vlan in terms.vlans)
        yield _gauge(definitions.VLAN_BANS, bans)
        ends = (((exemption.id,), exemption.until) for exemption in terms.exemptions)
        yield _gauge(definitions.EXEMPTION_END, ends)
        yield from self._lists()
        yield _gauge(definitions.WORKERS, [((), facts.workers)])
        yield _gauge(definitions.WORKERS_EXPECTED, [((), facts.workers_expected)])
        restarts = _family(definitions.WORKER_RESTARTS)
        restarts.add_metric((), facts.worker_restarts)
        yield restarts
        compiled = str(build() == "compiled").lower()
        yield _gauge(definitions.BUILD_INFO, [((__version__, compiled), 1)])

    def _lists(self) -> Iterator[Family]:
        facts = self._facts
        entries = Sums()
        for source in facts.terms.sources:
            entries[(source.name,)] += source.entries
        yield _gauge(definitions.LIST_ENTRIES, entries.items())
        updated = (((name,), each.updated) for name, each in facts.lists.items() if each.updated)
        yield _gauge(definitions.LIST_UPDATED, updated)
        failures = {(name,): each.failures for name, each in facts.lists.items()}
        yield _summed(definitions.LIST_FAILURES, Sums(failures))

    def _readings_as_metrics(self) -> Iterator[Family]:
        drops, memory = self._readings()
        dropped = _family(definitions.SOCKET_DROPS)
        if drops is not None:
            dropped.add_metric((), drops)
        yield dropped
        yield _gauge(
            definitions.MEMORY, (((process,), octets) for process, octets in memory.items())
        )


def _zeros(series: Iterable[tuple[str, ...]]) -> Sums:
    return Sums(dict.fromkeys(series, 0))


def _family(metric: Metric) -> CounterMetricFamily | GaugeMetricFamily:
    kind = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
    return kind(metric.name, metric.text, labels=metric.labels)


def _gauge(metric: Metric, series: Iterable[tuple[tuple[str, ...], float]]) -> Family:
    family = GaugeMetricFamily(metric.name, metric.text, labels=metric.labels)
    for labels, value in series:
        family.add_metric(labels, value)
    return family


def _counted(metric: Metric, series: dict[tuple[str, ...], dict[int, int]]) -> Family:
    family = _family(metric)
    for labels, parts in series.items():
        family.add_metric(labels, parts[0])
    return family


def _summed(metric: Metric, sums: Sums) -> Family:
    family = _family(metric)
    for labels, value in sums.items():
        family.add_metric(labels, value)
    return family


def _bans(policy: Policy) -> int:
    return policy.blocks.bit_count() + sum(not rule.allow for rule in policy.own)


def _vlans(terms: Terms) -> Iterator[tuple[str, ...]]:
    for vlan in terms.vlans:
        policy = terms.policies[vlan.policy]
        number = "" if vlan.id is None else str(vlan.id)
        yield vlan.name, number, policy.name, "enforce" if policy.enforce else "audit"


def _histogram(metric: Metric, series: dict[tuple[str, ...], dict[int, int]]) -> Family:
    family = HistogramMetricFamily(metric.name, metric.text, labels=metric.labels)
    bounds = definitions.DURATION_BOUNDS
    for labels, parts in series.items():
        total = 0
        buckets: list[tuple[str, float]] = []
        for place, bound in enumerate((*bounds, None)):
            total += parts[place]
            buckets.append(("+Inf" if bound is None else str(float(bound)), total))
        family.add_metric(labels, buckets, sum_value=parts[len(bounds) + 1] / 1e6)
    return family
