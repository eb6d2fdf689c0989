"""What the supervisor knows besides the counters, for the metrics and the status."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from resolver.metrics.status import (
    DRAINING,
    CertificateStatus,
    LastReload,
    PolicySourceStatus,
    PublishStatus,
    WrongAnswer,
)
from resolver.policy.compiled import CompiledConfig


@dataclass(slots=True)
class BlockLogState:
    """The block log's file, and the number of records since the server started."""

    path: Path | None = None
    """None while the block log is off."""
    records: int = 0
    """Records written."""
    lost: int = 0
    """Records that could not be written."""
    problem: str = ""
    """Why no record can be written now; empty while writing works."""


@dataclass(slots=True)
class FiguresState:
    """The figures on disk."""

    problem: str = ""
    """Why they cannot be written now; empty while writing works."""


@dataclass(slots=True)
class FetchState:
    """The fetches of one list."""

    updated: float = 0.0
    """When the copy was last known to be up to date, in seconds since 1970; 0 for never."""
    failures: int = 0
    """Failed fetches since the server started."""
    held: bool = False
    """Whether a large change is held until a person accepts it."""


@dataclass(slots=True)
class LinkState:
    """Whether the upstreams find names abroad and at home; None before the first probe."""

    abroad: bool | None = None
    home: bool | None = None
    since: float = 0.0
    """Since when names abroad are found, or not, in seconds since 1970."""

    @property
    def cut_since(self) -> float:
        """Since when names abroad get no answer, while those at home do; 0 where they get one."""
        return self.since if self.abroad is False and self.home is True else 0.0


@dataclass(slots=True)
class ServerFacts:
    """The config, the snapshot in force, the workers, the reloads and the fetched lists."""

    config: Path
    """The file; relative paths in it start at its folder."""
    state: Path
    """The state directory."""
    compiled: CompiledConfig
    snapshot: str
    """The hash of the snapshot in force."""
    loaded: float
    """When the snapshot was put in force, in seconds since 1970."""
    started: float
    """When the server started, in seconds since 1970."""
    workers_expected: int
    workers: int = 0
    fewest_workers: int = 0
    """The fewest that have served at one time since the figures took their last minute."""
    worker_restarts: int = 0
    exempted_since: dict[str, float] = field(default_factory=dict)
    """When the config got exemptions, by their ids; without those that it had at the start."""
    config_ok: bool = True
    """Whether the config on disk, as it was last tried, is in force."""
    config_failure: str = ""
    """A failure that the config did not cause, such as a full disk; else empty."""
    has_control_socket: bool = True
    """Whether commands can reach the server."""
    missing_addresses: tuple[str, ...] = ()
    """Addresses on which DNS is to be served, with their ports, and that this host lacks."""
    draining: bool = False
    """Whether an operator has asked that no client uses this node."""
    lists: dict[str, FetchState] = field(default_factory=dict)
    """By the list's name."""
    reloads: Counter[str] = field(default_factory=Counter)
    """By result."""
    validating: dict[str, bool] = field(default_factory=dict)
    """Whether an upstream server is known to validate DNSSEC, by its name; empty at first."""
    wrong_upstreams: dict[str, WrongAnswer] = field(default_factory=dict)
    """The upstream servers whose last answer to a probe was wrong, by their names."""
    unverified_upstreams: dict[str, str] = field(default_factory=dict)
    """Why TLS with upstream servers failed at their last probe, by their names."""
    failing_upstreams: frozenset[str] = frozenset()
    """The names of those of which a quarter of the queries or more had no usable answer lately."""
    link: LinkState = field(default_factory=LinkState)
    last_reload: LastReload | None = None
    block_page: bool | None = None
    """Whether the block page is served on all its addresses; None where the config has none."""
    block_log: BlockLogState = field(default_factory=BlockLogState)
    figures: FiguresState = field(default_factory=FiguresState)
    self_test: Literal["held", "failed", "untested"] = "untested"
    """What the newest self-test under the policy in force has said; untested where it is old."""
    certificate: CertificateStatus | None = None
    """None where the config has no DNS over TLS."""
    publish: PublishStatus | None = None
    """None where the config publishes no zones, and until they are written first."""
    policy_source: PolicySourceStatus | None = None
    """None where the policy does not come from git, and until the first pull."""
    pulls: Counter[str] = field(default_factory=Counter)
    """By result."""
    wrong_decisions: tuple[str, ...] = ()
    """What workers decide other than the expectations of the config say, by the last self-test."""
    history: str = ""
    """The head of the chain over the audit log; empty until it is known."""

    def put_in_force(self, compiled: CompiledConfig, snapshot: str, at: float) -> None:
        """Note the snapshot that is in force from a moment on."""
        had = {each.id for each in self.compiled.exemptions}
        ids = [each.id for each in compiled.exemptions]
        since = {each: self.exempted_since.get(each, 0.0) if each in had else at for each in ids}
        self.exempted_since = since
        self.compiled, self.snapshot, self.loaded = compiled, snapshot, at

    @property
    def not_ready(self) -> str:
        """Why clients should ask another node; empty while they may ask this one.

        A config that is refused or an upstream that is down is no reason: all nodes have the same,
        and would all withdraw. Alerts tell of these.
        """
        if self.draining:
            return DRAINING
        return "" if self.workers else "no worker serves"
