"""How a server stands, as one value: read in the supervisor, shown by whoever asks.

``darban status``, the status page and ``darban report`` show this and nothing else, so that
they cannot disagree. Moments are seconds since 1970 (UTC), times are in seconds. Counts are
since the server's start, never by client or name.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from ipaddress import ip_network

from resolver.policy.compiled import Terms
from resolver.policy.services import services_in

SOON = 7 * 86400.0
"""Seconds before an exemption's end from which on it is said to end soon."""


@dataclass(frozen=True, slots=True)
class ServiceCount:
    """Queries of a VLAN that a rule of a service met; without a service, a policy's own rule."""

    service: str
    outcome: str
    """``blocked``, ``would_block`` or ``exempted``."""
    queries: int


@dataclass(frozen=True, slots=True)
class VlanCounts:
    """The queries of a VLAN; the last is ``unknown``, of clients that no VLAN holds."""

    name: str
    id: int | None
    policy: str
    """Empty for ``unknown``, and for a VLAN that an earlier config had."""
    mode: str
    """``enforce``, ``audit`` or empty."""
    queries: int
    outcomes: dict[str, int]
    services: tuple[ServiceCount, ...]
    """The most frequent first."""


@dataclass(frozen=True, slots=True)
class UpstreamStatus:
    """A server that is asked, by all workers together."""

    name: str
    up: bool
    queries: int
    failures: int
    """Queries that it has not answered well; one that goes on by TCP is none."""
    results: dict[str, int]
    answered: int
    seconds: float
    """How long all its answers took together."""
    latency: float | None
    """The mean; None where it has answered nothing."""


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
    """The day when a person last went through them, as in 2026-11-24; may be empty."""


@dataclass(frozen=True, slots=True)
class FetchedStatus:
    """A list that is fetched from elsewhere."""

    name: str
    updated: float | None
    """When it was last known to be up to date; None where it never was."""
    failures: int
    """Since the server started."""


@dataclass(frozen=True, slots=True)
class ExemptionDetails:
    """An exemption of a config, with its VLAN, prefixes and services by their names."""

    id: str
    vlan: str | None
    prefixes: Sequence[str]
    services: Sequence[str]
    until: float
    approver: str
    ticket: str
    reason: str


@dataclass(frozen=True, slots=True)
class ExemptionStatus(ExemptionDetails):
    """An exemption of the config in force, ended or not."""

    state: str
    """``in force``, ``ends soon`` or ``ended``."""


@dataclass(frozen=True, slots=True)
class BlockLogStatus:
    """The file of blocked queries, where the config wants one."""

    file: str
    client: str
    """How clients are told in it."""
    records: int
    lost: int
    problem: str
    """Why nothing can be written now; empty while all is well."""


@dataclass(frozen=True, slots=True)
class LastReload:
    """The last time that another config was to be put in force."""

    at: float
    result: str
    """One of ``metrics.RELOAD_RESULTS``."""
    by: str
    report: tuple[str, ...]
    """Why it was not applied, or what ``check`` warns of."""


@dataclass(frozen=True, slots=True)
class Status:
    """A server at a moment."""

    version: str
    build: str
    """``compiled`` or ``interpreted``."""
    pid: int
    config: str
    at: float
    """When this was read."""
    started: float
    snapshot: str
    """Where the snapshot in force is."""
    hash: str
    loaded: float
    """When it was put in force."""
    config_ok: bool
    """Whether what is in force is what the config says."""
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
    """None where none is written."""

    def as_json(self) -> dict[str, object]:
        """The object that the control socket and ``darban status --json`` give."""
        return asdict(self)

    @property
    def queries(self) -> int:
        """All queries since the start."""
        return sum(vlan.queries for vlan in self.vlans)

    def outcome(self, outcome: str) -> int:
        """How many queries met an outcome."""
        return sum(vlan.outcomes.get(outcome, 0) for vlan in self.vlans)


def exemption_state(until: float, at: float) -> str:
    """How an exemption that ends at one moment stands at another."""
    if at >= until:
        return "ended"
    return "ends soon" if until - at <= SOON else "in force"


def exemptions(terms: Terms, at: float) -> tuple[ExemptionStatus, ...]:
    """The exemptions of a config, with their states at a moment."""
    return tuple(
        ExemptionStatus(**asdict(each), state=exemption_state(each.until, at))
        for each in exemption_details(terms)
    )


def exemption_details(terms: Terms) -> Iterator[ExemptionDetails]:
    """The exemptions of a config, ended or not."""
    for place, exemption in enumerate(terms.exemptions):
        prefixes = (prefix for prefix in terms.exempted_prefixes if prefix.owner == place)
        yield ExemptionDetails(
            exemption.id,
            None if exemption.vlan is None else terms.vlans[exemption.vlan].name,
            tuple(str(ip_network((prefix.network, prefix.length))) for prefix in prefixes),
            tuple(each.name for each in services_in(exemption.services, terms.services)),
            exemption.until,
            exemption.approver,
            exemption.ticket,
            exemption.reason,
        )
