"""The Prometheus collector: at a scrape it reads the workers' counters and what the parts say.

Nothing is added up between two scrapes.
"""

import datetime as dt
import itertools
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import get_args

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
from resolver.metrics.counter_sums import CounterSums, Labels
from resolver.metrics.definitions import Metric
from resolver.metrics.faults import Fault, Kind, faults
from resolver.metrics.kernel import KernelReadings
from resolver.metrics.part_states import (
    AuditState,
    BlockLogState,
    BlockPageState,
    FailingUpstreams,
    FetchedLists,
    FetchState,
    LinkState,
    PartStates,
    PullsState,
    ReloadState,
    UpstreamProbes,
    WorkersState,
)
from resolver.metrics.served_config import ServedConfig
from resolver.metrics.status import CertificateStatus, PublishStatus
from resolver.metrics.status_reader import read_status
from resolver.policy.clauses import BLOCKING
from resolver.policy.compiled import CompiledConfig
from resolver.policy.description import PolicyDescription, describe
from resolver.policy.moment import ends
from resolver.policy.policy_hash import hash_parts
from resolver.policy.verdict import Outcome

_COUNTED = (
    definitions.CACHE_HITS,
    definitions.CACHE_MISSES,
    definitions.CACHE_ENTRIES,
    definitions.CACHE_BYTES,
    definitions.MISSING_FORWARDS,
    definitions.FALLBACK_ANSWERS,
    definitions.UPSTREAM_QUERIES,
    definitions.UPSTREAM_DIFFERING,
    definitions.UPSTREAM_UP,
    definitions.PROXY_REJECTS,
)
_HISTOGRAMS = (definitions.DURATION, definitions.UPSTREAM_DURATION)
_BYPASS = (Outcome.BLOCKED, Outcome.WOULD_BLOCK)

Values = Iterable[tuple[Labels, float]]


class DarbanCollector(Collector):
    """Everything that Darban exports."""

    def __init__(
        self,
        sums: Callable[[], CounterSums],
        config: ServedConfig,
        states: Callable[[], PartStates],
        readings: Callable[[], KernelReadings],
    ) -> None:
        self._sums = sums
        self._config = config
        self._states = states
        self._readings = readings

    def collect(self) -> Iterator[Family]:
        """All families, for one scrape."""
        sums, states = self._sums(), self._states()
        yield from self._by_vlan_and_type(sums)
        redirected = sums.redirected.items()
        shown = ((vlan, times) for vlan, times in redirected if ("vlan", vlan) not in sums.ended)
        yield _family(definitions.REDIRECTED, _by_label(shown))
        for metric in _COUNTED:
            yield _family(
                metric, ((labels, parts[0]) for labels, parts in sums.series(metric).items())
            )
        for metric in _HISTOGRAMS:
            yield _histogram(metric, sums.series(metric))
        lost = sums.value(definitions.BLOCK_LOG_LOST) + states.of(BlockLogState).lost
        yield _family(definitions.BLOCK_LOG_LOST, _one(lost))
        counts = Counter(fault.kind for fault in self._faults(sums, states))
        yield _family(
            definitions.FAULTS, _by_label((kind, counts[kind]) for kind in get_args(Kind))
        )
        upstreams = [name for (name,) in sums.series(definitions.UPSTREAM_UP)]
        yield from (_family(*series) for series in self._states_as_series(states, upstreams))

    def _faults(self, sums: CounterSums, states: PartStates) -> Iterator[Fault]:
        """The faults that the status shows."""
        return faults(read_status(sums, self._config, states, time.time()))

    def _by_vlan_and_type(self, sums: CounterSums) -> Iterator[Family]:
        """The metrics that are sums over the query tables."""
        compiled, kinds = self._config.compiled, sums.kinds
        queries = _zeros(initial_series.queries(compiled))
        responses = _zeros(initial_series.responses(compiled))
        types = _zeros(initial_series.types())
        transports = _zeros(initial_series.transports(compiled))
        bypass = _zeros(initial_series.bypass(compiled, kinds))
        for count in sums.query_counts:
            name = definitions.OTHER_TYPE if count.qtype is None else codes.type_text(count.qtype)
            types[(name,)] += count.times
            if ("vlan", count.vlan) in sums.ended:
                continue
            transports[count.vlan, count.transport.label] += count.times
            if ("service", count.service) not in sums.ended:
                queries[count.vlan, count.outcome.label, count.service] += count.times
            if count.outcome is not Outcome.DROPPED:
                responses[count.vlan, codes.rcode_text(count.rcode)] += count.times
            if count.service in kinds and count.outcome in _BYPASS:
                bypass[count.vlan, kinds[count.service]] += count.times
        yield _family(definitions.QUERIES, queries.items())
        yield _family(definitions.RESPONSES, responses.items())
        yield _family(definitions.TYPES, types.items())
        yield _family(definitions.TRANSPORTS, transports.items())
        yield _family(definitions.BYPASS, bypass.items())

    def _states_as_series(
        self, states: PartStates, upstreams: Sequence[str]
    ) -> Iterator[tuple[Metric, Values]]:
        config, compiled = self._config, self._config.compiled
        probes, reloads = states.of(UpstreamProbes), states.of(ReloadState)
        wrong = {*probes.wrong, *probes.unverified, *states.of(FailingUpstreams).names}
        yield definitions.UPSTREAM_OK, _by_label((n, n not in wrong) for n in upstreams)
        yield definitions.UPSTREAM_VALIDATES, _by_label(probes.validating.items())
        yield definitions.LINK_CUT, _one(states.of(LinkState).cut_since)
        yield definitions.CONFIG_OK, _one(reloads.config_ok)
        results = definitions.RELOAD_RESULTS
        yield (
            definitions.RELOADS,
            _by_label((result, reloads.counts.get(result, 0)) for result in results),
        )
        yield definitions.SNAPSHOT_INFO, [((config.hash,), 1)]
        log = states.of(AuditState)
        head = [((str(log.number), log.head), 1)] if log.head else []
        yield definitions.HISTORY_INFO, head
        yield definitions.POLICY_INFO, [(hash_parts(compiled.policy_hash), 1)]
        yield definitions.SNAPSHOT_LOADED, _one(config.loaded)
        yield definitions.STARTED, _one(config.started)
        policies = describe(compiled)
        yield definitions.VLAN_INFO, ((labels, 1) for labels in _vlans(compiled, policies))
        bans = [sum(entry.does in BLOCKING for entry in policy.entries) for policy in policies]
        of_vlans = ((vlan.name, bans[vlan.policy]) for vlan in compiled.vlans)
        yield definitions.VLAN_BANS, _by_label(of_vlans)
        yield definitions.EXEMPTION_END, _by_label(ends(compiled))
        entries: Counter[str] = Counter()
        for source in compiled.sources:
            entries[source.name] += source.entries
        yield definitions.LIST_ENTRIES, _by_label(entries.items())
        reviews = (service.reviewed for service in compiled.services if service.reviewed)
        oldest = min(reviews, default=None)
        yield definitions.LISTS_REVIEWED, _one(None if oldest is None else _midnight(oldest))
        names = [subscription.name for subscription in compiled.subscriptions]
        lists = states.of(FetchedLists).by_name
        fetched = [(name, lists.get(name, FetchState())) for name in names]
        older = {source.name for source in compiled.sources if source.fallback}
        yield definitions.LIST_UPDATED, _by_label((name, of.updated) for name, of in fetched)
        yield definitions.LIST_FAILURES, _by_label((name, of.failures) for name, of in fetched)
        yield definitions.LIST_HELD, _by_label((name, of.held) for name, of in fetched)
        yield definitions.LIST_FALLBACK, _by_label((name, name in older) for name in names)
        yield definitions.BLOCK_PAGE_UP, _one(states.of(BlockPageState).served)
        certificate = states.find(CertificateStatus)
        expires = None if certificate is None else certificate.expires
        yield definitions.CERTIFICATE_EXPIRY, _one(expires)
        yield from _published(states.find(PublishStatus))
        yield from _pulled(states.of(PullsState))
        workers = states.of(WorkersState)
        yield definitions.WORKERS, _one(workers.serving)
        yield definitions.WORKERS_EXPECTED, _one(workers.expected)
        yield definitions.WORKER_RESTARTS, _one(workers.restarts)
        is_compiled = str(build() == "compiled").lower()
        yield definitions.BUILD_INFO, [((__version__, is_compiled), 1)]
        drops, memory = self._readings()
        yield definitions.SOCKET_DROPS, _one(drops)
        yield definitions.MEMORY, _by_label(memory.items())


def _one(value: float | None) -> Values:
    """A series without labels; no series where there is no value."""
    return [] if value is None else [((), value)]


def _by_label(values: Iterable[tuple[str, float]]) -> Values:
    """A series for each value of the only label."""
    return (((label,), value) for label, value in values)


def _zeros(series: Iterable[Labels]) -> Counter[Labels]:
    return Counter(dict.fromkeys(series, 0))


def _family(metric: Metric, values: Values) -> Family:
    kind = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
    family: CounterMetricFamily | GaugeMetricFamily = kind(
        metric.name, metric.text, labels=metric.labels
    )
    for labels, value in values:
        family.add_metric(labels, value)
    return family


def _published(publish: PublishStatus | None) -> Iterator[tuple[Metric, Values]]:
    """The zones for other resolvers; no series where there are none."""
    zones = () if publish is None else publish.zones
    yield definitions.ZONE_SERIAL, _by_label((zone.name, zone.written) for zone in zones)
    yield definitions.ZONE_SERVED, _by_label((zone.name, zone.served or 0) for zone in zones)


def _pulled(pulls: PullsState) -> Iterator[tuple[Metric, Values]]:
    """The policy from git; no series where it does not come from there."""
    source = pulls.source
    yield definitions.POLICY_PULLED, _one(None if source is None else source.pulled)
    yield definitions.POLICY_EXPIRY, _one((source and source.expiry) or None)
    results = () if source is None else definitions.PULL_RESULTS
    yield (
        definitions.POLICY_PULLS,
        _by_label((result, pulls.counts.get(result, 0)) for result in results),
    )


def _midnight(day: str) -> float:
    """The begin of a day such as 2026-11-26 in UTC, in seconds since 1970."""
    return dt.datetime.fromisoformat(day).replace(tzinfo=dt.UTC).timestamp()


def _vlans(compiled: CompiledConfig, policies: Sequence[PolicyDescription]) -> Iterator[Labels]:
    for vlan in compiled.vlans:
        policy = policies[vlan.policy]
        number = "" if vlan.id is None else str(vlan.id)
        yield vlan.name, number, policy.name, policy.mode


def _histogram(metric: Metric, series: Mapping[Labels, Sequence[int]]) -> Family:
    family = HistogramMetricFamily(metric.name, metric.text, labels=metric.labels)
    bounds = [*map(str, definitions.DURATION_BOUNDS), "+Inf"]
    for labels, parts in series.items():
        totals = itertools.accumulate(parts[: len(bounds)])
        buckets = list(zip(bounds, totals, strict=True))
        family.add_metric(labels, buckets, sum_value=parts[-1] / 1e6)
    return family
