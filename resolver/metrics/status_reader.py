"""Reads how the server stands: from the workers' counters, the terms and the facts."""

import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence

from resolver import __version__, build
from resolver.engine.labels import Path
from resolver.metrics import definitions
from resolver.metrics.collector import FetchState, ServerFacts
from resolver.metrics.definitions import Metric
from resolver.metrics.layout import UNKNOWN, CounterLayout, is_up
from resolver.metrics.status import (
    Answers,
    BlockLogStatus,
    CacheStatus,
    FetchedStatus,
    ListStatus,
    ServiceCount,
    Status,
    UpstreamStatus,
    VlanCounts,
    exemptions,
)
from resolver.policy.compiled import Policy, Terms
from resolver.policy.verdict import Outcome

_GOOD = {"answered", "truncated"}
_RULED = {Outcome.BLOCKED.label, Outcome.WOULD_BLOCK.label, Outcome.EXEMPTED.label}


class StatusReader:
    """A server, ready to be asked how it stands."""

    def __init__(
        self,
        config: str,
        started: float,
        layout: CounterLayout,
        memories: Callable[[], Sequence[memoryview]],
        facts: ServerFacts,
    ) -> None:
        """``memories`` gives the workers' cells, ``started`` is in seconds since 1970."""
        self._config = config
        self._started = started
        self._layout = layout
        self._memories = memories
        self._facts = facts

    def read(self, snapshot: str, at: float) -> Status:
        """The status at this moment; ``snapshot`` is where the one in force is."""
        facts, terms = self._facts, self._facts.terms
        cells = _Cells(self._layout, self._memories())
        return Status(
            version=__version__,
            build=build(),
            pid=os.getpid(),
            config=self._config,
            at=at,
            started=self._started,
            snapshot=snapshot,
            hash=facts.snapshot,
            loaded=facts.loaded,
            config_ok=facts.config_ok,
            workers=facts.workers,
            workers_expected=facts.workers_expected,
            worker_restarts=facts.worker_restarts,
            last_reload=facts.last_reload,
            vlans=tuple(_vlans(terms, cells)),
            upstreams=tuple(cells.upstreams()),
            cache=cells.cache(terms.settings.cache_bytes * facts.workers_expected),
            answers=cells.answers(),
            lists=tuple(_lists(terms)),
            fetched=tuple(_fetched(facts)),
            exemptions=exemptions(terms, at),
            block_log=self._block_log(cells),
        )

    def _block_log(self, cells: "_Cells") -> BlockLogStatus | None:
        settings, written = self._facts.terms.settings.block_log, self._facts.block_log
        if settings is None:
            return None
        lost = written.lost + cells.one(definitions.BLOCK_LOG_LOST)
        file = str(written.path)
        return BlockLogStatus(file, settings.client, written.records, lost, written.problem)


class _Cells:
    """The cells of all workers, added up once."""

    def __init__(self, layout: CounterLayout, memories: Sequence[memoryview]) -> None:
        self._sums: dict[tuple[str, tuple[str, ...]], dict[int, int]] = defaultdict(dict)
        for key, cell in layout.cells.items():
            said = [memory[cell] for memory in memories]
            value = is_up(said) if key.metric == definitions.UPSTREAM_UP.name else sum(said)
            self._sums[key.metric, key.labels][key.part] = value
        self._in_force = layout.upstreams
        self.by_vlan: dict[str, Counter[tuple[str, str]]] = defaultdict(Counter)
        """By VLAN: how often which outcome was met by a rule of which service."""
        for memory in memories:
            for row in layout.rows(memory):
                self.by_vlan[row.vlan][row.outcome.label, row.service] += row.times

    def one(self, metric: Metric, *labels: str) -> int:
        return self._sums[metric.name, labels].get(0, 0)

    def _times(self, metric: Metric, *labels: str) -> int:
        """How many observations a histogram holds."""
        last = len(definitions.DURATION_BOUNDS)
        return sum(n for part, n in self._sums[metric.name, labels].items() if part <= last)

    def answers(self) -> Answers:
        paths = (Path.PREPARED, Path.CACHE, Path.UPSTREAM)
        return Answers(*(self._times(definitions.DURATION, path.name.lower()) for path in paths))

    def cache(self, max_bytes: int) -> CacheStatus:
        hits, misses = self.one(definitions.CACHE_HITS), self.one(definitions.CACHE_MISSES)
        return CacheStatus(
            self.one(definitions.CACHE_ENTRIES),
            self.one(definitions.CACHE_BYTES),
            max_bytes,
            hits,
            misses,
            hits / (hits + misses) if hits + misses else None,
        )

    def upstreams(self) -> Iterator[UpstreamStatus]:
        names = [
            labels[0]
            for name, labels in self._sums
            if name == definitions.UPSTREAM_UP.name and labels[0] in self._in_force
        ]
        for name in names:
            results = {
                result: self.one(definitions.UPSTREAM_QUERIES, name, result)
                for result in definitions.UPSTREAM_RESULTS
            }
            answered = self._times(definitions.UPSTREAM_DURATION, name)
            sum_part = len(definitions.DURATION_BOUNDS) + 1
            microseconds = self._sums[definitions.UPSTREAM_DURATION.name, (name,)].get(sum_part, 0)
            yield UpstreamStatus(
                name,
                self.one(definitions.UPSTREAM_UP, name) > 0,
                sum(results.values()),
                sum(times for result, times in results.items() if result not in _GOOD),
                results,
                answered,
                microseconds / 1e6,
                microseconds / 1e6 / answered if answered else None,
            )


def _vlans(terms: Terms, cells: _Cells) -> Iterator[VlanCounts]:
    """The VLANs as configured, then those that earlier configs had, then ``unknown``."""
    configured = {vlan.name: vlan for vlan in terms.vlans}
    former = sorted(cells.by_vlan.keys() - {*configured, UNKNOWN})
    for name in (*configured, *former, UNKNOWN):
        vlan = configured.get(name)
        policy = None if vlan is None else terms.policies[vlan.policy]
        outcomes: Counter[str] = Counter()
        services: Counter[tuple[str, str]] = Counter()
        for (outcome, service), times in cells.by_vlan[name].items():
            outcomes[outcome] += times
            if outcome in _RULED:
                services[service, outcome] += times
        yield VlanCounts(
            name,
            vlan.id if vlan is not None else None,
            policy.name if policy is not None else "",
            _mode(policy),
            outcomes.total(),
            dict(outcomes),
            tuple(ServiceCount(*key, times) for key, times in services.most_common()),
        )


def _mode(policy: Policy | None) -> str:
    if policy is None:
        return ""
    return "enforce" if policy.enforce else "audit"


def _fetched(facts: ServerFacts) -> Iterator[FetchedStatus]:
    for subscription in facts.terms.subscriptions:
        known = facts.lists.get(subscription.name, FetchState())
        yield FetchedStatus(subscription.name, known.updated or None, known.failures)


def _lists(terms: Terms) -> Iterator[ListStatus]:
    for place, service in enumerate(terms.services):
        files = tuple(source.file for source in terms.sources if source.service == place)
        yield ListStatus(
            *(service.name, service.category, service.title, service.entries, files),
            reviewed=service.reviewed,
        )
