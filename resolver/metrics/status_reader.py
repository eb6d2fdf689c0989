"""Reads the server's status: from the workers' counters, the config and the facts."""

import os
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from resolver import __version__, build
from resolver.metrics import definitions, kernel
from resolver.metrics.counter_sums import CounterSums
from resolver.metrics.facts import FetchState, ServerFacts
from resolver.metrics.layout import NOT_ACCEPTING, UNKNOWN, CounterRow
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
    hours,
)
from resolver.policy.compiled import CompiledConfig
from resolver.policy.description import describe
from resolver.policy.verdict import Outcome

_BY_SERVICE = {Outcome.BLOCKED, Outcome.WOULD_BLOCK, Outcome.EXEMPTED}


def read_status(sums: CounterSums, facts: ServerFacts, *, snapshot: str, at: float) -> Status:
    """The status at a moment; ``at`` is in seconds since 1970.

    ``snapshot`` is the directory of the snapshot in force.
    """
    compiled = facts.compiled
    return Status(
        version=__version__,
        build=build(),
        pid=os.getpid(),
        config=str(facts.config.resolve()),
        at=at,
        started=facts.started,
        snapshot=snapshot,
        hash=facts.snapshot,
        policy_hash=compiled.policy_hash,
        loaded=facts.loaded,
        config_ok=facts.config_ok,
        config_failure=facts.config_failure,
        workers=facts.workers,
        workers_expected=facts.workers_expected,
        worker_restarts=facts.worker_restarts,
        last_reload=facts.last_reload,
        vlans=tuple(_vlans(compiled, sums.rows)),
        upstreams=tuple(_upstreams(sums, facts)),
        cache=_cache(sums, compiled.settings.cache_bytes * facts.workers_expected),
        answers=_answers(sums),
        lists=tuple(_lists(compiled)),
        fetched=tuple(_fetched(facts)),
        exemptions=exemptions(compiled, at, facts.exempted_since),
        block_log=_block_log(sums, facts),
        missing_forward_queries=sums.value(definitions.MISSING_FORWARDS),
        publish=facts.publish,
        policy_source=facts.policy_source,
        clock_synchronised=kernel.clock_synchronised(),
        not_ready=facts.not_ready,
        missing_addresses=facts.missing_addresses,
        has_control_socket=facts.has_control_socket,
        not_accepting=sums.value(NOT_ACCEPTING),
        hours=tuple(hours(compiled, at)),
        figures_problem=facts.figures.problem,
        link_cut=facts.link.cut_since,
        fallback_answers=sums.value(definitions.FALLBACK_ANSWERS),
        certificate=facts.certificate,
        wrong_decisions=facts.wrong_decisions,
    )


def _block_log(sums: CounterSums, facts: ServerFacts) -> BlockLogStatus | None:
    settings, state = facts.compiled.settings.block_log, facts.block_log
    if settings is None:
        return None
    lost = state.lost + sums.value(definitions.BLOCK_LOG_LOST)
    return BlockLogStatus(str(state.path), settings.client, state.records, lost, state.problem)


def _answers(sums: CounterSums) -> Answers:
    paths = ("cache", "upstream")
    return Answers(*(sums.observations(definitions.DURATION, path)[0] for path in paths))


def _cache(sums: CounterSums, max_bytes: int) -> CacheStatus:
    hits, misses = sums.value(definitions.CACHE_HITS), sums.value(definitions.CACHE_MISSES)
    return CacheStatus(
        sums.value(definitions.CACHE_ENTRIES),
        sums.value(definitions.CACHE_BYTES),
        max_bytes,
        hits,
        misses,
        hits / (hits + misses) if hits + misses else None,
    )


def _upstreams(sums: CounterSums, facts: ServerFacts) -> Iterator[UpstreamStatus]:
    for (name,), [up] in sums.series(definitions.UPSTREAM_UP).items():
        results = {
            result: sums.value(definitions.UPSTREAM_QUERIES, name, result)
            for result in definitions.UPSTREAM_RESULTS
        }
        answered, seconds = sums.observations(definitions.UPSTREAM_DURATION, name)
        yield UpstreamStatus(
            name,
            up > 0,
            sum(results.values()),
            sum(results.values()) - sum(results[each] for each in definitions.UPSTREAM_ANSWERED),
            results,
            answered,
            seconds,
            seconds / answered if answered else None,
            facts.validating.get(name, False),
            facts.wrong_upstreams.get(name),
            name in facts.failing_upstreams,
            facts.unverified_upstreams.get(name, ""),
        )


def _vlans(compiled: CompiledConfig, rows: Sequence[CounterRow]) -> Iterator[VlanCounts]:
    """The VLANs as configured, then those of earlier configs, then ``unknown``."""
    outcomes: dict[str, Counter[str]] = defaultdict(Counter)
    services: dict[str, Counter[tuple[str, str]]] = defaultdict(Counter)
    for row in rows:
        outcomes[row.vlan][row.outcome.label] += row.times
        if row.outcome in _BY_SERVICE:
            services[row.vlan][row.service, row.outcome.label] += row.times
    ids = {vlan.name: vlan.id for vlan in compiled.vlans}
    described = describe(compiled)
    policies = {vlan.name: described[vlan.policy] for vlan in compiled.vlans}
    earlier = sorted(outcomes.keys() - {*policies, UNKNOWN})
    for name in (*policies, *earlier, UNKNOWN):
        policy = policies.get(name)
        yield VlanCounts(
            name,
            ids.get(name),
            policy.name if policy else "",
            policy.mode if policy else "",
            outcomes[name].total(),
            dict(outcomes[name]),
            tuple(ServiceCount(*key, times) for key, times in services[name].most_common()),
        )


def _fetched(facts: ServerFacts) -> Iterator[FetchedStatus]:
    for subscription in facts.compiled.subscriptions:
        known = facts.lists.get(subscription.name, FetchState())
        yield FetchedStatus(subscription.name, known.updated or None, known.failures, known.held)


def _lists(compiled: CompiledConfig) -> Iterator[ListStatus]:
    for place, service in enumerate(compiled.services):
        files = tuple(source.file for source in compiled.sources if source.service == place)
        yield ListStatus(
            service.name,
            service.category,
            service.title,
            service.entries,
            files,
            service.reviewed,
        )
