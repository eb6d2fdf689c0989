"""How ``darban status`` draws a status, in a terminal and as plain text.

Titles and approvers come from lists and config, in any language. They are drawn as text, never
as markup, and inside isolates (U+2068), so that their direction does not spread to the numbers
beside them. ``cli/server.py`` has escaped what a terminal would obey.
"""

import unicodedata
from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from resolver.cli.moments import minute_lines
from resolver.cli.policy_text import hours_text
from resolver.cli.terminal_tables import labelled, natural_width, table_of, tables_that_fit
from resolver.metrics.fault_texts import fault_texts
from resolver.metrics.faults import Fault, FaultValue, edited_files, faults, is_new_edit
from resolver.metrics.status import ExemptionStatus, Status, UpstreamStatus
from resolver.metrics.unknown_clients import UnknownClients
from resolver.policy.clauses import Mode
from resolver.system.english import count_text, share_text, some_text, span_text

_APPROVERS = 100
"""Columns from which on the approver of an exemption is shown."""
_SERVICES = 12
_OUTCOMES = (
    *("blocked", "would_block", "exempted", "rebinding", "national_filter"),
    *("refused", "failed", "dropped"),
)
_OTHER_COLUMNS = 24
"""Columns that the name and the services of an exemption take at least."""
_MIB = 1 << 20
_UNITS = ((1e12, "T"), (1e9, "G"), (1e6, "M"))


def draw(now: Status, width: int) -> RenderableType:
    """A status, for a terminal with so many columns."""
    upstreams = _upstreams(now, width)
    tables = (*_vlans(now, width), _services(now), *upstreams, *_exemptions(now, width))
    return Group(*_above(now), *map(_apart, tables), Text(), *_below(now))


def _apart(below: RenderableType) -> Padding:
    return Padding(below, (1, 0, 0, 0))


def draw_unknown_clients(unknown: UnknownClients) -> RenderableType:
    """The clients that are refused most."""
    if not unknown.prefixes:
        return Text("no client was refused since the server started")
    table = table_of("refused most", "prefix", "queries")
    for prefix, times in unknown.prefixes:
        table.add_row(prefix, short_number(times))
    advice = "No VLAN holds these clients. If one is yours, add its prefix to a [vlans.*] table."
    parts: list[RenderableType] = [table, _apart(Text(advice))]
    if unknown.missed:
        short = f"So many others were refused that a count may be short by {unknown.missed}."
        parts.append(Text(short))
    return Group(*parts)


def _above(now: Status) -> Iterator[RenderableType]:
    """The server, its policy, its queries, and what an operator should look at."""
    yield Text(f"darban {now.version}", style="bold").append(f", {now.build}", style="not bold")
    restarts = f" ({now.worker_restarts} replaced)" if now.worker_restarts else ""
    workers = f"workers {now.workers} of {now.workers_expected}{restarts}"
    yield labelled("server", f"up {span_text(now.at - now.started)}, pid {now.pid}, {workers}")
    yield labelled("config", now.config)
    loaded = span_text(now.at - now.loaded)
    yield labelled("snapshot", f"{now.hash}, policy {now.policy_hash}, in force for {loaded}")
    last = now.last_reload
    if last is not None:
        result = last.result.replace("_", " ")
        yield labelled("reload", f"{span_text(now.at - last.at)} ago, by {last.by}: {result}")
    if is_new_edit(now):
        yield labelled("edit", _edit(now))
    elif now.edits_not_compared:
        unknown = "the files on disk were not compared with what is in force; see the log"
        yield labelled("edit", unknown)
    yield labelled("queries", f"{short_number(now.queries)}, {_without_upstream(now)}")
    yield labelled("cache", _cache(now))
    if now.redirected:
        queries = count_text(now.redirected, "query", "queries")
        by_vlan = _redirected(now)
        yield labelled("redirected", f"{queries} for other resolvers, by a gateway: {by_vlan}")
    if now.missing_forward_queries:  # many devices ask for .local without need: no alarm
        queries = count_text(now.missing_forward_queries, "query", "queries")
        below = f"{queries} below .local and .internal got NXDOMAIN"
        yield labelled("private", f"{below}; zones of this network there need [[forward]]")
    yield from _faults(now)


def _edit(now: Status) -> str:
    """The files that are not what is in force, and what to do."""
    since = _value(now.edited_since)
    see = "darban check" if now.edit_refused else "darban diff"
    return f"{edited_files(now)}: not in force since {since}; see {see}"


def _redirected(now: Status) -> str:
    """The VLANs whose queries are redirected, the most frequent first."""
    vlans = sorted(now.vlans, key=lambda vlan: -vlan.redirected)
    return ", ".join(f"{v.name} {short_number(v.redirected)}" for v in vlans if v.redirected)


def _faults(now: Status) -> Iterator[RenderableType]:
    """What is wrong; then what a person has to do; then what ends soon."""
    all_faults = list(faults(now))
    for fault in (fault for fault in all_faults if not fault.is_coming):
        yield Text(_fault(fault), "yellow" if fault.is_reminder else "bold red")
    for fault in (fault for fault in all_faults if fault.is_coming):
        yield labelled("soon", _fault(fault))


def _fault(fault: Fault) -> str:
    values = {key: _value(value) for key, value in fault.values.items()}
    return fault_texts()[fault.kind].short.format(**values, report=fault.report)


def _value(value: FaultValue) -> str:
    """A value of a fault: a moment, or as it is."""
    return " ".join(minute_lines(value)) if isinstance(value, float) else str(value)


def _without_upstream(now: Status) -> str:
    answers = now.answers
    total = answers.cache + answers.upstream
    if not total:
        return "none answered yet"
    return f"{share_text(answers.cache / total)} of the answers without asking an upstream"


def _cache(now: Status) -> str:
    cache = now.cache
    share = cache.hit_rate
    rate = "" if share is None else f", {share_text(share)} of look-ups found an answer"
    size, most = cache.bytes / _MIB, cache.max_bytes / _MIB
    return f"{count_text(cache.entries, 'answer')}, {size:,.1f} of {most:,.0f} MiB{rate}"


def _vlans(now: Status, width: int) -> Iterator[Table]:
    outcomes = [
        outcome for outcome in _OUTCOMES if outcome == "blocked" or now.outcome(outcome) > 0
    ]
    headings = ("VLAN", "queries", *(outcome.replace("_", " ") for outcome in outcomes))
    rows: list[tuple[str | Text, ...]] = []
    for vlan in now.vlans:
        if vlan.name == "unknown" and not vlan.queries:
            continue
        numbers = (vlan.queries, *(vlan.outcomes.get(outcome, 0) for outcome in outcomes))
        audit = " (audit)" if vlan.mode is Mode.AUDIT else ""
        rows.append((vlan.name + audit, *map(short_number, numbers)))
    return tables_that_fit(width, "by VLAN", headings, rows)


def _services(now: Status) -> Table:
    titles = {block_list.service: block_list.title for block_list in now.lists}
    counts = [(vlan.name, service) for vlan in now.vlans for service in vlan.services]
    counts.sort(key=lambda row: -row[1].queries)
    table = table_of("by service", "service", "queries", texts=("VLAN", "outcome"))
    for vlan, count in counts[:_SERVICES]:
        name = Text(count.service or "other names")
        title = titles.get(count.service, "")
        if title and title.casefold() != count.service:
            name.append(f" {_isolated(title)}", style="dim")
        outcome = count.outcome.replace("_", " ")
        table.add_row(name, vlan, outcome, short_number(count.queries))
    if not counts:
        table.add_row("none yet")
    elif len(counts) > _SERVICES:
        table.add_row(f"and {len(counts) - _SERVICES} more")
    return table


def _upstreams(now: Status, width: int) -> Iterator[Table]:
    texts = ("state", "DNSSEC")
    headings = ["server", *texts, "queries", "failed", "latency"]
    is_filtered = any(upstream.filtered or upstream.filtered_twice for upstream in now.upstreams)
    is_differing = any(upstream.differing for upstream in now.upstreams)
    headings += ["national filter"] if is_filtered else []
    headings += ["differing"] if is_differing else []
    rows: list[tuple[str | Text, ...]] = []
    for upstream in now.upstreams:
        latency = upstream.latency
        state = _state(upstream)
        validates = "validates" if upstream.validates else "unknown"
        numbers = map(short_number, (upstream.queries, upstream.failures))
        took = "" if latency is None else f"{latency * 1000:,.1f} ms"
        extras = [_filtered(upstream)] if is_filtered else []
        extras += [short_number(upstream.differing)] if is_differing else []
        rows.append((Text(upstream.name), state, validates, *numbers, took, *extras))
    return tables_that_fit(width, "upstreams", headings, rows, texts)


def _filtered(upstream: UpstreamStatus) -> str:
    """Answers of the national filter, and how often there was another answer besides."""
    twice = upstream.filtered_twice
    return short_number(upstream.filtered) + (f", {short_number(twice)} twice" if twice else "")


def _state(upstream: UpstreamStatus) -> Text:
    if not upstream.up:
        return Text("down", "bold red")
    if upstream.wrong is not None or upstream.failing:
        return Text("failing", "bold red")
    return Text("up", "green") if upstream.queries else Text("not asked", "dim")


def _exemptions(now: Status, width: int) -> Iterator[Table]:
    """Those that need a look first: ended, soon to end, then the others by their end."""
    if not now.exemptions:
        return
    approved = ("approved by", "ticket") if width >= _APPROVERS else ()
    headings = ("state", "for", "services", "until", *approved)
    table = table_of("exemptions", "exemption", texts=headings)
    for exemption in sorted(now.exemptions, key=lambda exemption: exemption.until):
        style = {"ended": "red", "ends soon": "yellow", "not now": "dim"}.get(
            exemption.state, "green"
        )
        table.add_row(
            exemption.id,
            Text(exemption.state, style),
            exemption.vlan or "\n".join(exemption.prefixes),
            some_text(exemption.services[:_SERVICES], len(exemption.services)),
            "\n".join(_times(exemption, now.at)),
            *(Text(_isolated(t)) for t in (exemption.approver, exemption.ticket) if approved),
        )
    kept = [column for column in table.columns if column.header in ("state", "for", "until")]
    if sum(map(natural_width, kept)) <= width - _OTHER_COLUMNS:
        for column in kept:  # half a prefix is another one
            column.no_wrap = True
    yield table


def _times(exemption: ExemptionStatus, at: float) -> Iterator[str]:
    """When an exemption begins, where it has not begun; its end, and its hours."""
    if exemption.begins > at:
        yield from ("from", *minute_lines(exemption.begins), "until")
    yield from minute_lines(exemption.until)
    if exemption.hours:
        yield f"within {exemption.hours}"


def _below(now: Status) -> Iterator[RenderableType]:
    """The hours, the lists, and of the rest what the server has: block log, zones, policy."""
    for hours in now.hours:
        yield labelled("hours", hours_text(hours))
    services = count_text(len(now.lists), "service")
    rules = count_text(sum(block_list.entries for block_list in now.lists), "rule")
    reviewed = min(
        (block_list.reviewed for block_list in now.lists if block_list.reviewed), default=""
    )
    since = f"; the oldest review was on {reviewed}" if reviewed else ""
    yield labelled("lists", f"{services} with {rules}{since}")
    faulty = {fault.values.get("list") for fault in faults(now)}
    for fetched in now.fetched:
        age = "never" if fetched.updated is None else f"{span_text(now.at - fetched.updated)} ago"
        times = count_text(fetched.failures, "time")
        failed = f", failed {times} since the start" if fetched.failures else ""
        held = "; a change is held: darban lists" if fetched.held else ""
        style = "yellow" if fetched.name in faulty else ""
        yield labelled("fetched", f"{fetched.name}: up to date {age}{failed}{held}", style)
    log, publish, source = now.block_log, now.publish, now.policy_source
    if log is not None:
        lost = f", {short_number(log.lost)} lost" if log.lost else ""
        yield labelled("block log", f"{log.file}: {count_text(log.records, 'record')}{lost}")
    if publish is not None and publish.zones:
        newest = max(zone.written for zone in publish.zones)
        zones = f"{len(publish.zones)} in {publish.directory}, newest serial {newest}"
        yield labelled("zones", zones)
    if source is not None and source.commit:
        left = f", expires in {span_text(source.expiry - now.at)}" if source.expiry > now.at else ""
        yield labelled(
            "policy",
            f"{source.branch} of {source.repository}, up to date "
            f"{span_text(now.at - source.pulled)} ago\ncommit {source.commit}, signed by "
            f"{source.signer}, in force for {span_text(now.at - source.applied)}{left}",
        )


def short_number(number: int) -> str:
    """A count that fits a column: exact below ten million."""
    if number < 10_000_000:
        return f"{number:,}"
    size, unit = next(scale for scale in _UNITS if number >= scale[0])
    return f"{number / size:.4g}{unit}"


def _isolated(text: str) -> str:
    """A text inside isolates where it has right-to-left letters."""
    if any(unicodedata.bidirectional(c) in ("R", "AL") for c in text):
        return f"\u2068{text}\u2069"
    return text
