"""The report of a period, from what the state directory has: no server is needed.

Root reads the state with the rights of the service's user, and has its own again to write.
"""

import csv
import io
import os
from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from zoneinfo import ZoneInfo

from resolver import DarbanError
from resolver.audit import period as periods
from resolver.audit.audit_log import AuditEntry, entries
from resolver.audit.block_log_file import block_log_days
from resolver.audit.block_log_retention import BlockLogDays
from resolver.audit.figures import export_file as figure_export
from resolver.audit.figures import store as figure_store
from resolver.audit.figures.counts import Figures
from resolver.audit.figures.tables import copied
from resolver.audit.period import InvalidPeriod, Period
from resolver.audit.period_entries import period_entries
from resolver.audit.period_report import make_period_report
from resolver.audit.period_values import (
    FetchedAge,
    ListAge,
    Lists,
    NodeCoverage,
    PeriodReport,
    Verification,
)
from resolver.audit.reading import Reading
from resolver.audit.record import Head
from resolver.cli import history_verify
from resolver.cli.policies import compile_valid
from resolver.cli.progress import progress
from resolver.config.load import load
from resolver.policy.compiled import CompiledConfig
from resolver.snapshot import store
from resolver.snapshot.config_files import DiskFiles
from resolver.snapshot.list_store import ListStore
from resolver.snapshot.logo import UnfitLogo, logo_uri
from resolver.snapshot.state_owner import as_owner
from resolver.system.log import escaped
from resolver.system.steps import Step
from resolver.system.time_zones import time_zone
from resolver.web import period_report_page
from resolver.web.period_report_page import ReportDetail
from resolver.web.titles import Titles

_MAX_LOGO = 256 << 10
_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
"""What begins a formula; the wide ones do so in East Asian settings."""

_COUNT_COLUMNS = ("vlan", "service", "outcome", "queries", "before")
_NODE_COLUMNS = ("node", "queries", "blocked", "before", "minutes_served", "minutes")
Row = tuple[tuple[str, ...], tuple[int, ...]]
"""The texts and the numbers of a row of a CSV."""


@dataclass(frozen=True, slots=True)
class AskedPeriod:
    """What the command line says of the period; empty texts where it does not."""

    month: str
    first: str
    last: str

    @property
    def is_given(self) -> bool:
        """Whether the command line says anything of a period."""
        return bool(self.month or self.first or self.last)

    def in_zone(self, zone: ZoneInfo) -> Period:
        """The period in a time zone; InvalidPeriod where it is not one period."""
        if self.month and not (self.first or self.last):
            return periods.month(self.month, zone)
        if self.first and self.last and not self.month:
            return periods.days(self.first, self.last, zone)
        raise InvalidPeriod(
            "give one period: --month 1405-08, or --from 1405-08-01 --to 1405-08-15"
        )


@dataclass(frozen=True, slots=True)
class PrintableReport:
    """A report with what its page needs besides."""

    report: PeriodReport
    config: Path
    compiled: CompiledConfig
    zone: ZoneInfo

    def page(self, language: str, detail: ReportDetail) -> str:
        """The page as HTML; its texts are escaped. DarbanError where the logo cannot be used."""
        source = _logo(self.config, self.compiled.settings.report.logo)
        titles = Titles(self.compiled, language)
        return period_report_page.page(self.report, titles, language, self.zone, source, detail)

    @property
    def key(self) -> Path | None:
        """The key that signs the report, if the config has one."""
        key = self.compiled.settings.report.sign_key
        return self.config.parent / key if key else None

    def csv(self, *, by_node: bool = False) -> str:
        """The counts, a row each; or the queries and the minutes of each node."""
        report, text = self.report, io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(("from", "to", *(_NODE_COLUMNS if by_node else _COUNT_COLUMNS)))
        for names, numbers in _node_rows(report) if by_node else _count_rows(report):
            texts = (report.period.first, report.period.last, *names)
            writer.writerow((*map(_cell, texts), *numbers))
        return text.getvalue()


def _count_rows(report: PeriodReport) -> Iterator[Row]:
    for count in report.counts:
        yield (count.vlan, count.service, count.outcome), (count.queries, count.before)


def _node_rows(report: PeriodReport) -> Iterator[Row]:
    for total, node in zip(report.totals, report.nodes, strict=True):
        yield (total.node,), (total.queries, total.blocked, total.before, node.minutes, node.of)


def _logo(config: Path, logo: str) -> str:
    """The logo as a data URI; empty where there is none."""
    try:
        return logo_uri(config, logo, _MAX_LOGO) if logo else ""
    except UnfitLogo as error:
        raise DarbanError(f"{logo}: the logo {error}") from None


def _cell(text: str) -> str:
    """A text that a spreadsheet takes for no formula, and in which a terminal obeys nothing.

    Another node can have any name. https://owasp.org/www-community/attacks/CSV_Injection
    """
    shown = escaped(text).replace("\t", " ").replace("\n", " ")
    return f"'{shown}" if shown.lstrip().startswith(_FORMULA) else shown


def make(config: Path, asked: AskedPeriod, merge: Sequence[Path], now: float) -> PrintableReport:
    """The report of a period, of this node and of those whose files are given.

    Raises:
        DarbanError: the period, a file, or the state is wrong; the message says why.
    """
    merged = figure_export.read_exports(merge)
    compiled = _compiled(config)
    with progress("reading the figures") as step:
        return _make(config, compiled, asked, merged, now, step)


def _make(
    config: Path,
    compiled: CompiledConfig,
    asked: AskedPeriod,
    merged: Sequence[Figures],
    now: float,
    step: Step,
) -> PrintableReport:
    figures, zone = _own_figures(config, asked, compiled)
    nodes = [*([_named(figures)] if figures.node or figures.damaged else []), *merged]
    if not figures.node and merged:
        zone = _zone(merged[0].time_zone)
    period = asked.in_zone(zone).until_moment(now)
    step("adding up the figures, and reading the audit log")
    report = make_period_report(
        period,
        periods.before(period, zone),
        zone,
        nodes,
        _audit_log(config, period),
        [vlan.name for vlan in compiled.vlans],
        _lists(config, compiled),
        compiled.settings.report.name,
        now,
    )
    step("checking whether the history is as it was written")
    report = replace(
        report,
        block_log=_block_log(config),
        verification=_verification(config),
        missing_nodes=tuple(_missing_nodes(config, report.nodes)),
    )
    return PrintableReport(report, config, compiled, zone)


def _verification(config: Path) -> Verification | None:
    state = store.directory(config)
    with as_owner(state):
        check = history_verify.verified(state)
    if not (check.head or check.findings):
        return None
    return Verification(
        Head(check.number, check.head).text if check.head else "",
        check.since,
        tuple(map(history_verify.finding_text, check.findings)),
        len(check.unchecked),
    )


def _missing_nodes(config: Path, nodes: Sequence[NodeCoverage]) -> Iterator[str]:
    """The other nodes of [pair], by their hosts, that are not among the nodes of a report."""
    hosts = load(str(config), DiskFiles(config)).config.pair.nodes
    known = {_short(node.node) for node in nodes}
    if len(nodes) <= len(hosts):
        yield from (host for host in hosts if _short(host) not in known)


def _short(host: str) -> str:
    """The first label of a host's name, without the user that ssh takes before it."""
    return host.rpartition("@")[2].partition(".")[0]


def _block_log(config: Path) -> BlockLogDays | None:
    state = store.directory(config)
    try:
        with as_owner(state):
            return block_log_days(state)
    except OSError as error:
        raise DarbanError(str(error)) from None


def export(config: Path, asked: AskedPeriod, path: Path) -> None:
    """Write the figures of this node of a period, and of the one before, to a file.

    Raises:
        DarbanError: there are no figures, or the file cannot be written.
    """
    figures, _ = _own_figures(config, asked, _compiled(config))
    if not figures.node:
        raise DarbanError(f"{store.directory(config)}: there are no figures of this period")
    try:
        figure_export.write_export(path, figures)
    except OSError as error:
        raise DarbanError(f"{path}: cannot be written ({error.strerror})") from None


def _own_figures(
    config: Path, asked: AskedPeriod, compiled: CompiledConfig
) -> tuple[Figures, ZoneInfo]:
    """This node's figures of a period and of the one before, by the time zone they were counted in.

    The config may have had another time zone then.
    """
    zone = _zone(compiled.settings.report.time_zone)
    figures = _read(config, asked, zone)
    if figures.time_zone not in ("", zone.key):
        zone = _zone(figures.time_zone)
        figures = _read(config, asked, zone)
    return figures, zone


def _read(config: Path, asked: AskedPeriod, zone: ZoneInfo) -> Figures:
    period = asked.in_zone(zone)
    since = periods.before(period, zone).begin
    state = store.directory(config)
    with as_owner(state):
        directory = state / figure_store.NAME
        return figure_store.read(directory, since, period.end, opening=copied)


def _named(figures: Figures) -> Figures:
    """The figures with this host's name, where none of their files could be read."""
    return replace(figures, node=figures.node or os.uname().nodename)


def _zone(name: str) -> ZoneInfo:
    zone = time_zone(name)
    if zone is None:
        raise DarbanError(f"there is no time zone '{name}'")
    return zone


def _compiled(config: Path) -> CompiledConfig:
    """The policy that was in force last; without a state directory, the config's."""
    state = store.directory(config)
    with as_owner(state):
        last = store.last_good_snapshot(state)
        compiled = None if last is None else last.compiled
    return compiled or compile_valid(config).snapshot.compiled


def _audit_log(config: Path, period: Period) -> list[AuditEntry]:
    """The entries of the records that the last one vouches for."""
    state = store.directory(config)
    reading, log_entries, counts = Reading(state), list[AuditEntry](), array("L")
    try:
        with as_owner(state):
            for entry in period_entries(entries(reading.records()), period):
                log_entries.append(entry)
                counts.append(reading.count)
    except OSError as error:
        raise DarbanError(str(error)) from None
    return log_entries[bisect_right(counts, reading.joined().begin) :]


def _lists(config: Path, compiled: CompiledConfig) -> Lists:
    state = store.directory(config)
    with as_owner(state):
        kept = ListStore(state)
        fetched = tuple(
            FetchedAge(subscription.name, kept.record(subscription.name).updated or None)
            for subscription in compiled.subscriptions
        )
    return Lists(
        tuple(
            ListAge(service.name, service.category, service.entries, service.reviewed)
            for service in compiled.services
        ),
        fetched,
    )
