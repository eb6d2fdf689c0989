"""The report of a period as a value: ``darban report --month`` prints it and nothing else. Pure.

``period_report`` makes it of the figures of nodes and of an audit log.
"""

from dataclasses import dataclass
from typing import Final

from resolver.analysis.activation_summary import ActivationSummary
from resolver.audit.audit_log import ExemptionChange
from resolver.audit.block_log_retention import BlockLogDays
from resolver.audit.coverage import NO_RECORD, NOT_SERVING, Interval
from resolver.audit.period import Period
from resolver.policy.exemption_details import ExemptionDetails
from resolver.snapshot.config_files import changed_lines, counted_lines

BLOCKED, WOULD_BLOCK = "blocked", "would_block"
"""Outcomes, as the label of ``darban_queries``."""

_UNCOUNTED: Final = 0.05
"""The part of a period of which no query may be counted where it is compared with another."""


@dataclass(frozen=True, slots=True)
class VlanCount:
    """The queries of a VLAN that have the same service and outcome."""

    vlan: str
    """``unknown`` for the clients in no VLAN."""
    service: str
    """Empty for none, and for the exempted queries of a VLAN in which few are exempted."""
    outcome: str
    queries: int
    before: int
    """In the period before."""


@dataclass(frozen=True, slots=True)
class DayCount:
    """The queries of one day, of all VLANs."""

    day: str
    """As in 2026-10-23."""
    blocked: int
    would_block: int


@dataclass(frozen=True, slots=True)
class NodeTotal:
    """The queries that a node has answered, of all VLANs."""

    node: str
    queries: int
    blocked: int
    before: int
    """Blocked in the period before."""


@dataclass(frozen=True, slots=True)
class NodeCoverage:
    """What is known of the minutes of a node."""

    node: str
    minutes: int
    """Minutes in which all its workers served."""
    of: int
    """The minutes of the period."""
    intervals: tuple[Interval, ...]
    """The whole period: which policy was in force and tested, and where that is not known."""
    minutes_before: int
    """Minutes of the period before in which all its workers served."""
    of_before: int
    damaged: tuple[str, ...]
    """What of its figures could not be read, in words."""

    @property
    def gaps(self) -> list[Interval]:
        """The times in which not all its workers served, as far as it is known."""
        return [interval for interval in self.intervals if interval.why in (NO_RECORD, NOT_SERVING)]


@dataclass(frozen=True, slots=True)
class Coverage:
    """What is known of a period, of all nodes together."""

    seconds: int
    """Of the period."""
    gaps: tuple[Interval, ...]
    """The times in which no node served, as far as it is known."""

    @property
    def covered(self) -> int:
        """The seconds in which a node served."""
        return self.seconds - sum(gap.length for gap in self.gaps)

    @property
    def uncounted(self) -> int:
        """The seconds of which no node has a record, so that no query of then is counted."""
        return sum(gap.length for gap in self.gaps if gap.why == NO_RECORD)

    @property
    def is_whole(self) -> bool:
        """Whether so much is counted that the counts can be compared with those of others."""
        return self.seconds > 0 and self.uncounted <= _UNCOUNTED * self.seconds


@dataclass(frozen=True, slots=True)
class LinkCut:
    """A time of whole hours in which the link abroad was cut on a node."""

    node: str
    begin: int
    """In UTC seconds since 1970, as ``end``."""
    end: int
    minutes: int
    """In which names abroad got no answer, and those at home did."""
    answers: int
    """Questions that the fallback servers have answered."""


@dataclass(frozen=True, slots=True)
class AroundDns:
    """The queries of a VLAN that were to go around this server."""

    vlan: str
    redirected: int
    """For other resolvers; a gateway has sent them to this server."""
    encrypted_dns: int
    """For the names of encrypted DNS, blocked or counted."""


@dataclass(frozen=True, slots=True)
class PeriodExemption:
    """An exemption, and when the config had it in the period."""

    exemption: ExemptionDetails
    begin: float
    end: float
    """In the period."""
    ended_early: bool
    """Whether the config lost it in the period, before its planned end."""


@dataclass(frozen=True, slots=True)
class PolicyChange:
    """A change of the config or of names in lists, or a commit that was refused."""

    at: float
    event: str
    who: str
    snapshot: str
    diff: str
    """To the config before."""
    exemptions: tuple[ExemptionChange, ...] = ()
    """Those that it gave, ended or changed."""
    summary: ActivationSummary | None = None
    """What it changed for all names; None where that is not known."""

    @property
    def changed_lines(self) -> list[str]:
        """The lines of the config that it added (+) or removed (-)."""
        return changed_lines(self.diff)

    @property
    def lines(self) -> tuple[int, int]:
        """How many lines of the config it added, and how many it removed."""
        return counted_lines(self.diff)


@dataclass(frozen=True, slots=True)
class ListAge:
    """The lists of a service."""

    service: str
    category: str
    entries: int
    reviewed: str
    """The day of the last review by a person, as in 2026-11-24; may be empty."""


@dataclass(frozen=True, slots=True)
class FetchedAge:
    """A fetched list."""

    name: str
    updated: float | None
    """When the copy was last known to be up to date; None where there is none."""


@dataclass(frozen=True, slots=True)
class Verification:
    """Whether the audit log and the figures of this node are as they were written."""

    head: str
    """The number and the hash of the last record."""
    since: float
    """When the first record was written."""
    findings: tuple[str, ...]
    """What is not as it was written, in words."""
    unchecked: int = 0
    """Times whose sealed figures cannot be checked, since a clock was or is wrong."""


@dataclass(frozen=True, slots=True)
class PeriodReport:
    """The whole report."""

    version: str
    made: float
    agency: str
    """The name of the agency; may be empty."""
    time_zone: str
    period: Period
    before: Period
    """What the period is compared with."""
    counts: tuple[VlanCount, ...]
    """By VLAN, the most frequent first."""
    days: tuple[DayCount, ...]
    days_before: tuple[DayCount, ...]
    exemptions: tuple[PeriodExemption, ...]
    changes: tuple[PolicyChange, ...]
    other_events: dict[str, int]
    """Entries of the audit log that changed no config and no name, by event."""
    backdated: int
    """Entries of the period whose time is before that of the entry before them in the log."""
    audited: bool
    """Whether there is an audit log that begins before the period."""
    left_out: int
    """Exempted queries that are kept by the part of a month only, and are not counted here."""
    totals: tuple[NodeTotal, ...]
    """By node, as ``nodes``."""
    nodes: tuple[NodeCoverage, ...]
    coverage: Coverage
    coverage_before: Coverage
    cuts: tuple[LinkCut, ...]
    """By node, in the order of time."""
    around: tuple[AroundDns, ...]
    """The VLANs that have such queries, in the order of ``counts``."""
    lists: tuple[ListAge, ...]
    fetched: tuple[FetchedAge, ...]
    block_log: BlockLogDays | None = None
    """What the block log of this node holds now; None for nothing."""
    verification: Verification | None = None
    """None where this machine has no audit log."""
    missing_nodes: tuple[str, ...] = ()
    """Nodes of [pair], as the config names them, of which this report has no figures."""

    @property
    def is_compared(self) -> bool:
        """Whether both periods are counted as a whole: only then does a change say something."""
        return self.coverage.is_whole and self.coverage_before.is_whole

    def total(self, *outcomes: str) -> tuple[int, int]:
        """The queries with these outcomes, or all queries: of the period, and of that before."""
        matching = [count for count in self.counts if not outcomes or count.outcome in outcomes]
        return sum(count.queries for count in matching), sum(count.before for count in matching)


@dataclass(frozen=True, slots=True)
class Lists:
    """The lists of the policy, with their age."""

    lists: tuple[ListAge, ...] = ()
    fetched: tuple[FetchedAge, ...] = ()
