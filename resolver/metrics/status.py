"""The status of a server, as one value.

``darban status``, the status page and ``darban report`` show this value and nothing else, so they
cannot disagree. Moments are in seconds since 1970 (UTC), durations in seconds. Counts start with
the server. There are none by client or name.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Literal

from resolver.policy.clauses import Mode
from resolver.policy.compiled import CompiledConfig
from resolver.policy.exemption_details import ExemptionDetails, exemption_details
from resolver.policy.moment import ended, hours_at, in_force, next_change

SOON = 3 * 86400.0
"""Seconds before the end of an exemption in which its state is ``ends soon``, unless the server
knows that it has lasted for less than it has left: one of two hours is no fault at first.

The alert DarbanExemptionEnding and the runbook have the same.
"""
DRAINING = "draining"
"""Why a server is not ready that an operator has drained."""


@dataclass(frozen=True, slots=True)
class ServiceCount:
    """Queries of a VLAN that matched a rule of a service; no service: a policy's own rule."""

    service: str
    outcome: str
    """``blocked``, ``would_block`` or ``exempted``."""
    queries: int


@dataclass(frozen=True, slots=True)
class VlanCounts:
    """The queries of a VLAN; ``unknown`` has those of clients in no VLAN."""

    name: str
    id: int | None
    policy: str
    """Empty for ``unknown``, and for a VLAN of an earlier config."""
    mode: Mode | Literal[""]
    """Empty for ``unknown``, and for a VLAN of an earlier config."""
    queries: int
    outcomes: dict[str, int]
    services: tuple[ServiceCount, ...]
    """The most frequent first."""
    redirected: int = 0
    """Queries for other resolvers that a gateway has redirected to this server."""


@dataclass(frozen=True, slots=True)
class WrongAnswer:
    """What an upstream server has answered to the supervisor's probe."""

    name: str
    """A name that exists; or a domain, of which made-up names do not exist."""
    got: str = ""
    """An rcode such as REFUSED, or what the answer lacks; empty for an address of such a name."""


@dataclass(frozen=True, slots=True)
class CertificateStatus:
    """The certificate of DNS over TLS."""

    file: str
    expires: float = 0.0
    """When the one that is presented ends, in seconds since 1970; 0 where none is."""
    problem: str = ""
    """Why the one on disk is not presented; empty if it is."""


@dataclass(frozen=True, slots=True)
class UpstreamStatus:
    """An upstream server, with the counts of all workers."""

    name: str
    up: bool
    queries: int
    failures: int
    """Queries without a usable answer; a truncated one that is repeated over TCP is no failure."""
    results: dict[str, int]
    answered: int
    seconds: float
    """The sum of the durations of all its answers."""
    latency: float | None
    """The mean duration of an answer; None before the first."""
    validates: bool = False
    """Whether it is known to validate DNSSEC."""
    wrong: WrongAnswer | None = None
    """Its last answer to the supervisor's probe, if it was wrong."""
    failing: bool = False
    """Whether a quarter of its queries or more had no usable answer in the last five minutes."""
    unverified: str = ""
    """Why TLS with it failed at the supervisor's last probe; empty where it did not."""
    filtered: int = 0
    """Answers from it with an address of the national filter."""
    filtered_twice: int = 0
    """Queries to it with two different answers, of which one has such an address."""
    differing: int = 0
    """Queries to it with two different answers without such an address."""


@dataclass(frozen=True, slots=True)
class CacheStatus:
    """The caches of all workers together."""

    entries: int
    bytes: int
    max_bytes: int
    hits: int
    misses: int
    hit_rate: float | None
    """Of the look-ups."""


@dataclass(frozen=True, slots=True)
class Answers:
    """Answers by path."""

    cache: int
    """Answers without an upstream, also those to blocked names."""
    upstream: int


@dataclass(frozen=True, slots=True)
class ListStatus:
    """The lists of a service."""

    service: str
    category: str
    title: str
    entries: int
    files: tuple[str, ...]
    reviewed: str
    """The day of the last review by a person, as in 2026-11-24; may be empty."""


@dataclass(frozen=True, slots=True)
class FetchedStatus:
    """A fetched list."""

    name: str
    updated: float | None
    """When the copy was last known to be up to date; None where there is none."""
    failures: int
    """Failed fetches since the server started."""
    held: bool = False
    """Whether a large change is held, or one with which expectations fail."""
    copy_fault: str = ""
    """Why the copy in use would not be accepted now; empty where it would."""


@dataclass(frozen=True, slots=True)
class ExemptionStatus(ExemptionDetails):
    """An exemption of the config in force, ended or not."""

    state: str = field(kw_only=True)
    """``in force``, ``ends soon``, ``ended``, or ``not now``: it begins later, or its hours
    do not hold."""


@dataclass(frozen=True, slots=True)
class HoursStatus:
    """Hours of the config in force."""

    name: str
    text: str
    """Days, time, time zone and holidays."""
    hold: bool
    changes: float | None
    """When they begin or end next; None after the last year that they are known for."""


@dataclass(frozen=True, slots=True)
class BlockLogStatus:
    """The block log, where the config has one."""

    file: str
    client: str
    """How it names clients: ``vlan``, ``prefix`` or ``address``."""
    records: int
    lost: int
    problem: str
    """Why no record can be written now; empty while writing works."""


@dataclass(frozen=True, slots=True)
class ZoneStatus:
    """A response policy zone."""

    name: str
    written: int
    """The serial that was written last."""
    served: int | None
    """The serial that Knot DNS serves; None where it does not answer for the zone."""


@dataclass(frozen=True, slots=True)
class PublishStatus:
    """The zones for other resolvers, where the config publishes them."""

    directory: str
    server: str
    """Where Knot DNS is asked."""
    zones: tuple[ZoneStatus, ...]
    left_out: tuple[str, ...]
    """What the zones cannot express."""
    problem: str
    """Why they could not be written; empty where they were."""

    def not_served(self) -> int:
        """The zones of which Knot DNS does not serve what was written."""
        return sum(zone.served != zone.written for zone in self.zones)


@dataclass(frozen=True, slots=True)
class PolicySourceStatus:
    """The policy from git, and the last pull."""

    repository: str
    branch: str
    commit: str
    """The commit in force; empty where none was pulled."""
    signer: str
    applied: float
    """When the commit was put in force; 0 where none was pulled."""
    pulled: float
    """When a pull last succeeded; 0 where none did."""
    at: float
    """When the last pull ended."""
    result: str
    """One of ``definitions.PULL_RESULTS``."""
    problem: str
    """Why the last pull changed nothing; empty where it succeeded."""
    dated: float = 0.0
    """When its signer says that the commit was made."""
    expiry: float = 0.0
    """When the commit has been the newest for too long; 0 for never."""


@dataclass(frozen=True, slots=True)
class ConfigChange:
    """A change of the config, as the audit log has it."""

    at: float
    event: str
    who: str
    added: int
    """Lines of the config."""
    removed: int


@dataclass(frozen=True, slots=True)
class LastReload:
    """The last reload."""

    at: float
    result: str
    """One of ``definitions.RELOAD_RESULTS``."""
    by: str
    report: tuple[str, ...]
    """Why it was not applied, or the warnings of ``check``."""


@dataclass(frozen=True, slots=True)
class Status:
    """The status of a server at one moment, as ``darban status --json`` prints it."""

    version: str
    build: str
    """``compiled`` or ``interpreted``."""
    pid: int
    config: str
    at: float
    """When the status was read."""
    started: float
    snapshot: str
    """The directory of the snapshot in force."""
    hash: str
    policy_hash: str
    """Equal on all servers that have the same policy."""
    loaded: float
    """When the snapshot was put in force."""
    config_ok: bool
    """Whether the config on disk, as it was last tried, is in force."""
    workers: int
    workers_expected: int
    worker_restarts: int
    last_reload: LastReload | None
    vlans: tuple[VlanCounts, ...]
    upstreams: tuple[UpstreamStatus, ...]
    cache: CacheStatus
    answers: Answers
    lists: tuple[ListStatus, ...]
    fetched: tuple[FetchedStatus, ...]
    exemptions: tuple[ExemptionStatus, ...]
    block_log: BlockLogStatus | None
    """None where the block log is off."""
    missing_forward_queries: int = 0
    """Queries for names below .local and .internal, which no ``[[forward]]`` has."""
    publish: PublishStatus | None = None
    """None where no zones are published."""
    policy_source: PolicySourceStatus | None = None
    """None where the policy does not come from git."""
    clock_synchronised: bool | None = None
    """Exemptions end by the clock. None where the kernel does not tell."""
    not_ready: str = ""
    """Why clients should ask another node; empty while they may ask this one."""
    config_failure: str = ""
    """A failure that the config did not cause, such as a full disk; else empty."""
    edited_files: tuple[str, ...] = ()
    """Files on disk that say something else than what is in force."""
    edited_since: float = 0.0
    """When that was first seen; 0 where nothing differs."""
    edit_refused: tuple[str, ...] = ()
    """Why a start would not put them in force; empty where it would."""
    edits_not_compared: bool = False
    """Whether the files could not be compared with what is in force."""
    missing_addresses: tuple[str, ...] = ()
    """Addresses on which DNS is to be served, with their ports, and that this host lacks."""
    has_control_socket: bool = True
    """Whether commands can reach the server; the status page shows it without."""
    not_accepting: int = 0
    """Listening sockets on which no TCP connection is accepted now, for want of descriptors."""
    hours: tuple[HoursStatus, ...] = ()
    figures_problem: str = ""
    """Why the figures cannot be written now; empty where they are."""
    link_cut: float = 0.0
    """Since when names abroad get no answer and those at home do, in seconds since 1970; 0: not."""
    fallback_answers: int = 0
    """Questions that the fallback servers have answered since the server started."""
    node: str = ""
    """The name of this node: what the config calls it, else that of its host."""
    changes: tuple[ConfigChange, ...] = ()
    """The newest changes of the config, the newest first."""
    audit_log_broken_at: int = 0
    """The number of the newest record of the audit log that the line before it does not fit."""
    wrong_decisions: tuple[str, ...] = ()
    """What workers decide other than the expectations of the config say, by the last self-test."""
    certificate: CertificateStatus | None = None
    """None where DNS over TLS is not served."""
    medium_refusal: str = ""
    """Why lists from a medium that are in force would not be accepted now; else empty."""

    @property
    def queries(self) -> int:
        """All queries since the start."""
        return sum(vlan.queries for vlan in self.vlans)

    @property
    def redirected(self) -> int:
        """The queries for other resolvers that a gateway has redirected."""
        return sum(vlan.redirected for vlan in self.vlans)

    def outcome(self, outcome: str) -> int:
        """The queries with an outcome."""
        return sum(vlan.outcomes.get(outcome, 0) for vlan in self.vlans)


def hours(compiled: CompiledConfig, at: float) -> Iterator[HoursStatus]:
    """The hours of a config at a moment."""
    holding = hours_at(compiled, at)
    for place, named in enumerate(compiled.hours):
        change = next_change(named, at)
        changes = change if change < math.inf else None
        yield HoursStatus(named.name, named.text, place in holding, changes)


def exemptions(
    compiled: CompiledConfig, at: float, since: Mapping[str, float] | None = None
) -> tuple[ExemptionStatus, ...]:
    """The exemptions of a config, with their states at a moment.

    ``since`` has the moments at which the config got exemptions, by their ids, where known.
    """
    running = in_force(compiled, at).exemptions
    known = since or {}
    return tuple(
        ExemptionStatus(
            **asdict(exemption),
            state=_state(
                max(exemption.begins, known.get(exemption.id, 0.0)),
                exemption.until,
                at,
                place in running,
            ),
        )
        for place, exemption in enumerate(exemption_details(compiled))
    )


def _state(since: float, until: float, at: float, running: bool) -> str:
    """The state at one moment of an exemption that holds from one to another."""
    if ended(until, at):
        return "ended"
    if not running:
        return "not now"
    lasted, left = at - since, until - at
    return "ends soon" if ended(until, at + SOON) and lasted >= left else "in force"
