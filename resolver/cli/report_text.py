"""The report as plain text, in English."""

from collections.abc import Iterator

from resolver.analysis.expectations import ExpectationResult
from resolver.analysis.report import CitedDirective, Report, VlanReport
from resolver.cli.moments import local_time
from resolver.count_text import count_text
from resolver.metrics.status import ExemptionStatus


def as_text(report: Report) -> str:
    """The whole report."""
    since = "" if report.loaded is None else f", in force since {_moment(report.loaded)}"
    lines = [
        f"Darban {report.version}: policy report of {_moment(report.at)}",
        f"config    {report.config}",
        f"snapshot  {report.snapshot}{since}",
    ]
    if report.started is None:
        lines.append("no server runs: this is the policy of the config, without counts")
    elif report.config_differs:
        lines.append("the config differs from the policy in force, which is reported here")
    if not report.expectations_run:
        lines.append("expectations were not run: the config has errors (darban check)")
    else:
        lines.append("expectations test the policy without exemptions, but for 'exempted' or 'at'")
    for vlan in report.vlans:
        lines += ["", *_vlan(vlan, report.started)]
    lines += ["", "Clients on no VLAN: refused"]
    if report.refused is not None:
        lines.append(f"  queries       {report.refused:,} refused")
    lines += _listed("expectations", map(_result, report.unassigned_clients))
    return "\n".join(lines)


def _vlan(vlan: VlanReport, started: float | None) -> Iterator[str]:
    number = "" if vlan.id is None else f" ({vlan.id})"
    yield f"VLAN {vlan.name}{number}"
    yield f"  clients       {', '.join(vlan.prefixes)}"
    enforced = "enforced" if vlan.mode == "enforce" else "audit: counts and blocks nothing"
    yield f"  policy        {vlan.policy}, {enforced}, answer {vlan.answer}"
    if vlan.contact:
        yield f"  contact       {vlan.contact}"
    yield from _listed("directives", map(_directive, vlan.directives))
    yield from _listed("blocks", _blocks(vlan))
    if vlan.allowed:
        yield f"  permits       {', '.join(vlan.allowed)}"
    yield from _listed("exemptions", map(_exemption, vlan.exemptions))
    yield from _listed("expectations", map(_result, vlan.expectations))
    yield from _listed("queries", _counts(vlan, started))


def _listed(heading: str, lines: Iterator[str]) -> Iterator[str]:
    """Lines beside a heading; ``none`` where there is no line."""
    first = next(lines, "none")
    yield f"  {heading:<13} {first}"
    for line in lines:
        yield f"  {'':<13} {line}"


def _directive(directive: CitedDirective) -> str:
    text = f"{directive.number} of {directive.date}"
    if directive.covers:
        text += f", covers {', '.join(directive.covers)}"
    return text + (f", narrows {directive.narrows}" if directive.narrows else "")


def _blocks(vlan: VlanReport) -> Iterator[str]:
    for service in vlan.services:
        by = f"directive {service.directive}" if service.directive else "agency policy"
        hours = "".join(f", {each}" for each in service.hours)
        names = count_text(service.names, "name")
        yield f"{service.name} ({service.category}), {names}{hours}: {by}"
    if vlan.denied:
        yield f"{', '.join(vlan.denied)}: agency policy"
    if vlan.default == "block":
        yield "all other names, except this network's own: agency policy"


def _exemption(exemption: ExemptionStatus) -> str:
    whom = exemption.vlan or ", ".join(exemption.prefixes)
    reason = f" ({exemption.reason})" if exemption.reason else ""
    begin = f"from {_moment(exemption.begins)} " if exemption.begins else ""
    within = f" within {exemption.hours}" if exemption.hours else ""
    return (
        f"{exemption.id}: {', '.join(exemption.services)} for {whom}, {exemption.state}, "
        f"{begin}until {_moment(exemption.until)}{within}; approved by {exemption.approver}, "
        f"{exemption.ticket}{reason}"
    )


def _result(each: ExpectationResult) -> str:
    result = "holds" if each.holds else f"DOES NOT HOLD, got {each.got}"
    at = "" if each.at is None else f", at {_moment(each.at)}"
    at += f", within {each.hours}" if each.hours else ""
    service = f" as {each.service}" if each.service else ""
    return f"{each.client} asks {each.name} {each.type}{at}: {each.expected}{service}, {result}"


def _counts(vlan: VlanReport, started: float | None) -> Iterator[str]:
    counts = vlan.counts
    if counts is None or started is None:
        yield "not known, no server runs"
        return
    outcomes = (f"{o.replace('_', ' ')} {n:,}" for o, n in sorted(counts.outcomes.items()))
    yield f"{counts.queries:,} since {_moment(started)}: {', '.join(outcomes) or 'none'}"
    for each in counts.services:
        service = each.service or "other names"
        yield f"{service}: {each.queries:,} {each.outcome.replace('_', ' ')}"


def _moment(seconds: float) -> str:
    return f"{local_time(seconds):%Y-%m-%d %H:%M %Z}"
