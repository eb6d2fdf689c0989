"""``darban report``: the report of a period, or of the policy in force, for an auditor."""

import os
import sys
import time
from pathlib import Path
from tempfile import gettempdir
from typing import Annotated, Literal

import typer

from resolver import DarbanError
from resolver.analysis.coverage_expectations import coverage_results
from resolver.analysis.expectations import ExpectationResult, ExpectationRun
from resolver.analysis.name_changes import without_exemptions
from resolver.analysis.name_classes import NameClasses
from resolver.audit.audit_log import AuditLog
from resolver.audit.period_values import PeriodReport
from resolver.audit.policy_report import PastActivation, Report, make_report
from resolver.cli import printable_report
from resolver.cli.command import AsJson, Config, echo, json_text, print_json
from resolver.cli.in_force_at import in_force_at, past_moment
from resolver.cli.policies import compile_shown, load_snapshot
from resolver.cli.printable_report import AskedPeriod
from resolver.cli.report_file import write_report
from resolver.cli.server import read_status
from resolver.config.load import LoadedConfig, load
from resolver.policy.compiled import CompiledConfig
from resolver.policy.index import Index
from resolver.snapshot import store
from resolver.snapshot.config_files import SavedFiles
from resolver.web import policy_report_page
from resolver.web.period_report_page import ReportDetail

At = Annotated[
    str | None,
    typer.Option(
        "--at", metavar="MOMENT", help="of the policy of this moment, such as 1405-12-29T10:00"
    ),
]
Language = Annotated[
    Literal["fa", "en"], typer.Option("--language", help="the language of the page")
]


Month = Annotated[
    str, typer.Option("--month", metavar="MONTH", help="a month, such as 1405-08 or 2026-11")
]
First = Annotated[
    str, typer.Option("--from", metavar="DAY", help="the first day, such as 1405-08-01")
]
Last = Annotated[str, typer.Option("--to", metavar="DAY", help="the last day, which is included")]
Merge = Annotated[
    list[Path] | None,
    typer.Option(
        "--merge",
        metavar="FILE",
        help="add the figures of another node, or of all files of a directory; can be given again",
    ),
]
Export = Annotated[
    Path | None,
    typer.Option("--export", metavar="FILE", help="write this node's figures, for --merge"),
]
Output = Annotated[
    Path | None,
    typer.Option("--output", metavar="FILE", help="write a period's report to a file, and sign it"),
]
Summary = Annotated[bool, typer.Option("--summary", help="make one page of a period's report")]
Full = Annotated[
    bool,
    typer.Option("--full", help="add to it hashes, the lines of changes, and the ages of lists"),
]
AsCsv = Annotated[bool, typer.Option("--csv", help="print the counts of a period as CSV")]
ByNode = Annotated[bool, typer.Option("--by-node", help="with --csv: a row for each node")]


def report(
    *,
    month: Month = "",
    first: First = "",
    last: Last = "",
    merge: Merge = None,
    export: Export = None,
    output: Output = None,
    summary: Summary = False,
    full: Full = False,
    as_csv: AsCsv = False,
    by_node: ByNode = False,
    at: At = None,
    as_json: AsJson = False,
    language: Language = "fa",
    config: Config,
) -> int:
    """Print what is blocked on which ground, for an auditor.

    With --month, or --from and --to: what was blocked where, against the period before; the
    exemptions, the changes of the policy, what an audit found, and the times that a node did not
    cover. Needs no server. The days and hours are those of [report] time_zone. Where the config has
    a sign_key, --output FILE also writes FILE.sig.

    Without a period: the policy in force, by VLAN, with its directives and exemptions, and its
    expectations, which are run. Exits with 1 where one does not hold. With --at: the policy of a
    past moment, while its snapshot is kept, without counts and without a server; exits with 1 also
    where nothing was in force.

        darban report --month 1405-08 --output report.html

        darban report --month 1405-08 --export ns2.figures

        darban report --month 1405-08 --merge ns2.figures --csv > report.csv

        darban report --month 1405-08 --merge exports/ --csv --by-node > nodes.csv

        darban report --at 2027-03-20T10:00 > report.html
    """
    asked = AskedPeriod(month, first, last)
    if not (export or output or as_json or as_csv) and sys.stdout.isatty():
        raise DarbanError(_for_a_file(is_of_period=asked.is_given or bool(merge)))
    detail = _detail(summary, full)
    if detail is not ReportDetail.USUAL and (
        as_json or as_csv or export or not (asked.is_given or merge)
    ):
        raise DarbanError(f"--{detail} is for the page of a period: give --month, without --json")
    if by_node and not as_csv:
        raise DarbanError("--by-node is for --csv; the page and --json have a table by node")
    if at is not None and (asked.is_given or merge or export or output or as_csv):
        raise DarbanError("--at is for a moment, and has no period, counts or figures")
    if export is not None:
        printable_report.export(config, asked, export)
        return 0
    if asked.is_given or merge or as_csv or output:
        one = printable_report.make(config, asked, merge or [], time.time())
        if as_json and output is None:
            print_json(one.report)
            return 0
        if as_csv:
            _tell_what_is_missing(one.report)
        if as_json:
            text = json_text(one.report)
        elif as_csv:
            text = one.csv(by_node=by_node)
        else:
            text = one.page(language, detail)
        if output is None:
            sys.stdout.write(text)
        else:
            write_report(output, text, one.key)
        return 0
    made, compiled = _make(config, time.time()) if at is None else _make_past(config, at)
    if as_json:
        print_json(made)
    else:
        sys.stdout.write(
            policy_report_page.page(made, compiled, language)
        )  # its texts are escaped as HTML
    return int(made.failed > 0)


def _for_a_file(*, is_of_period: bool) -> str:
    """Where the page can be written, instead of the terminal."""
    file = "report.html" if os.access(".", os.W_OK) else f"{gettempdir()}/report.html"
    output = (
        f"; or by '--output {file}', which signs it with [report] sign_key" if is_of_period else ""
    )
    return (
        "the report is an HTML page, and this is a terminal: write it to a file, by "
        f"'> {file}' after the command{output}; or add --json"
    )


def _detail(summary: bool, full: bool) -> ReportDetail:
    if summary and full:
        raise DarbanError("say one of --summary and --full")
    return ReportDetail.SUMMARY if summary else ReportDetail.FULL if full else ReportDetail.USUAL


def _tell_what_is_missing(report: PeriodReport) -> None:
    """Say on standard error what the page says in notices: the rows of a CSV have no place."""
    for node in report.nodes:
        for what in node.damaged:
            echo(f"{node.node}: some figures could not be read: {what}", err=True)
    if report.verification is not None and report.verification.findings:
        echo("the history is not as it was written: see darban history --verify", err=True)


def _make(path: Path, now: float) -> tuple[Report, CompiledConfig]:
    status, result = read_status(path), compile_shown(path, now)
    compiled, index = load_snapshot(path, status.hash)
    results = None
    if not result.errors:
        results = _results(result.loaded, compiled, index, now)
    differs = bool(result.errors) or status.hash != result.snapshot.hash()
    report = make_report(
        str(path.resolve()), now, compiled, results, status, config_differs=differs
    )
    return report, compiled


def _results(
    loaded: LoadedConfig, compiled: CompiledConfig, index: Index, wall: float
) -> list[ExpectationResult]:
    """The results of all expectations at a moment."""
    results = ExpectationRun(loaded, compiled, index, wall).results()
    classes = NameClasses(without_exemptions(compiled), index)
    return [*results, *coverage_results(loaded, classes, wall)]


def _make_past(path: Path, at: str) -> tuple[Report, CompiledConfig]:
    moment = past_moment(at, "the report")
    past, *others = in_force_at(path, moment)
    if others:
        texts = "\n".join(other.text() for other in (past, *others))
        raise DarbanError(f"the server's clock was set, and more than one may be meant:\n{texts}")
    entry = past.activation.entry
    sources = AuditLog(store.directory(path)).sources(entry)
    results = None
    if sources.texts:
        loaded = load(str(path), SavedFiles(path, sources.texts))
        if not any(problem.severity == "error" for problem in loaded.problems):
            results = _results(loaded, past.compiled, past.index, moment)
    then = PastActivation(entry.snapshot, entry.time, entry.release)
    return make_report(str(path.resolve()), moment, past.compiled, results, then), past.compiled
