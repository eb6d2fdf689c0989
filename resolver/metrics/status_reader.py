"""Reads the server's status: from the workers' counters, the config and what the parts say."""

import os
from collections import Counter, defaultdict
from collections.abc import Iterator

from resolver import __version__, build
from resolver.metrics import definitions, kernel
from resolver.metrics.counter_sums import CounterSums
from resolver.metrics.layout import NOT_ACCEPTING, UNKNOWN
from resolver.metrics.part_states import (
    AddressState,
    AuditState,
    BlockLogState,
    ControlSocketState,
    EditState,
    FailingUpstreams,
    FetchedLists,
    FetchState,
    FiguresState,
    LinkState,
    MediumState,
    PartStates,
    PullsState,
    ReloadState,
    SelfTestState,
    UpstreamProbes,
    WorkersState,
)
from resolver.metrics.served_config import ServedConfig
from resolver.metrics.status import (
    Answers,
    BlockLogStatus,
    CacheStatus,
    CertificateStatus,
    FetchedStatus,
    ListStatus,
    PublishStatus,
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

_PASSED_ON = (*definitions.UPSTREAM_ANSWERED, definitions.UPSTREAM_FILTERED)
_BY_SERVICE = {Outcome.BLOCKED, Outcome.WOULD_BLOCK, Outcome.EXEMPTED}


def read_status(sums: CounterSums, config: ServedConfig, states: PartStates, at: float) -> Status:
    """The status at a moment; ``at`` is in seconds since 1970."""
    compiled, workers, reloads = config.compiled, states.of(WorkersState), states.of(ReloadState)
    edits = states.of(EditState)
    return Status(
        version=__version__,
        build=build(),
        pid=os.getpid(),
        config=str(config.file.resolve()),
        at=at,
        started=config.started,
        snapshot=str(config.snapshot),
        hash=config.hash,
        policy_hash=compiled.policy_hash,
        loaded=config.loaded,
        config_ok=reloads.config_ok,
        config_failure=reloads.config_failure,
        workers=workers.serving,
        workers_expected=workers.expected,
        worker_restarts=workers.restarts,
        last_reload=reloads.last,
        vlans=tuple(_vlans(compiled, sums)),
        upstreams=tuple(_upstreams(sums, states)),
        cache=_cache(sums, compiled.settings.cache_bytes * workers.expected),
        answers=_answers(sums),
        lists=tuple(_lists(compiled)),
        fetched=tuple(_fetched(compiled, states.of(FetchedLists))),
        exemptions=exemptions(compiled, at, config.exempted_since),
        block_log=_block_log(sums, compiled, states.of(BlockLogState)),
        missing_forward_queries=sums.value(definitions.MISSING_FORWARDS),
        publish=states.find(PublishStatus),
        policy_source=states.of(PullsState).source,
        clock_synchronised=kernel.clock_synchronised(),
        not_ready=workers.not_ready,
        edited_files=edits.files,
        edited_since=edits.since,
        edit_refused=edits.refused,
        edits_not_compared=edits.is_unknown,
        missing_addresses=states.of(AddressState).missing,
        has_control_socket=states.of(ControlSocketState).listens,
        not_accepting=sums.value(NOT_ACCEPTING),
        hours=tuple(hours(compiled, at)),
        figures_problem=states.of(FiguresState).problem,
        link_cut=states.of(LinkState).cut_since,
        fallback_answers=sums.value(definitions.FALLBACK_ANSWERS),
        certificate=states.find(CertificateStatus),
        medium_refusal=states.of(MediumState).refusal,
        wrong_decisions=states.of(SelfTestState).wrong_decisions,
        node=config.node,
        changes=states.of(AuditState).changes,
        audit_log_broken_at=states.of(AuditState).broken_at,
    )


def _block_log(
    sums: CounterSums, compiled: CompiledConfig, state: BlockLogState
) -> BlockLogStatus | None:
    settings = compiled.settings.block_log
    if settings is None:
        return None
    lost = state.lost + sums.value(definitions.BLOCK_LOG_LOST)
    return BlockLogStatus(str(state.path), settings.client, state.records, lost, state.problem)


def _answers(sums: CounterSums) -> Answers:
    cache, upstream = (
        sums.observations(definitions.DURATION, path)[0] for path in ("cache", "upstream")
    )
    clients = cache - sums.health_checks
    return Answers(max(clients, 0), upstream)  # a check is counted before its answer


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


def _upstreams(sums: CounterSums, states: PartStates) -> Iterator[UpstreamStatus]:
    probes, failing = states.of(UpstreamProbes), states.of(FailingUpstreams).names
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
            sum(results.values()) - sum(results[result] for result in _PASSED_ON),
            results,
            answered,
            seconds,
            seconds / answered if answered else None,
            probes.validating.get(name, False),
            probes.wrong.get(name),
            name in failing,
            probes.unverified.get(name, ""),
            results[definitions.UPSTREAM_FILTERED],
            *(
                sums.value(definitions.UPSTREAM_DIFFERING, name, kind)
                for kind in definitions.DIFFERING_KINDS
            ),
        )


def _vlans(compiled: CompiledConfig, sums: CounterSums) -> Iterator[VlanCounts]:
    """The VLANs as configured, then those of earlier configs, then ``unknown``."""
    outcomes: dict[str, Counter[str]] = defaultdict(Counter)
    services: dict[str, Counter[tuple[str, str]]] = defaultdict(Counter)
    for count in sums.query_counts:
        outcomes[count.vlan][count.outcome.label] += count.times
        if count.outcome in _BY_SERVICE:
            services[count.vlan][count.service, count.outcome.label] += count.times
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
            sums.redirected.get(name, 0),
        )


def _fetched(compiled: CompiledConfig, lists: FetchedLists) -> Iterator[FetchedStatus]:
    for subscription in compiled.subscriptions:
        known = lists.by_name.get(subscription.name, FetchState())
        yield FetchedStatus(
            *(subscription.name, known.updated or None, known.failures),
            *(known.held, known.copy_fault),
        )


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
