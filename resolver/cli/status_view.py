"""How ``darban status`` draws a status, in a terminal and as plain text.

What comes from lists and config (titles, approvers) may be Persian or anything else: it is
drawn as text, never as markup, without control characters, and within marks that keep its
direction from spreading to the numbers beside it.
"""

import datetime as dt
import unicodedata
from collections.abc import Iterator, Sequence

from rich import box
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from resolver.metrics.status import ExemptionStatus, Status, UpstreamStatus, VlanCounts
from resolver.policy.unknown_clients import UnknownClients

_WIDE = 190
"""Columns from which on tables stand side by side."""
_ROOMY = 100
"""Columns from which on it is told who approved an exemption."""
_SERVICES = 12
_SHOWN_OUTCOMES = ("blocked", "would_block", "exempted", "refused", "failed", "dropped")
_ALWAYS = ("blocked",)
_UNITS = ((1e12, "T"), (1e9, "G"), (1e6, "M"))
_MIB = 1 << 20


def draw(now: Status, before: Status | None, width: int) -> RenderableType:
    """A status; with rates where there is an earlier reading to compare with."""
    rates = _Rates(now, before)
    left = [_apart(_vlans(now, rates)), _apart(_services(now, rates))]
    right = [_apart(_upstreams(now, rates)), *map(_apart, _exemptions(now, width))]
    parts: list[RenderableType] = [_head(now, rates), *_alarms(now)]
    if width >= _WIDE:
        grid = Table.grid(padding=(0, 3), expand=False)
        grid.add_row(Group(*left), Group(*right))
        parts.append(grid)
    else:
        parts += [*left, *right]
    return Group(*parts, _apart(_lists(now)), *_fetched(now), *_block_log(now))


def _apart(below: RenderableType) -> Padding:
    return Padding(below, (1, 0, 0, 0))


def draw_strangers(strangers: UnknownClients) -> RenderableType:
    """Who is refused most."""
    if not strangers.prefixes:
        return Text("nobody was refused since the server started")
    table = _table("refused most", "prefix", "queries")
    for prefix, times in strangers.prefixes:
        table.add_row(prefix, _many(times))
    advice = "No VLAN holds these clients. If one is yours, add its prefix to a [vlans.*] table."
    parts: list[RenderableType] = [table, _apart(Text(advice))]
    if strangers.missed:
        short = f"So many others were refused that a count may be short by {strangers.missed}."
        parts.append(Text(short))
    return Group(*parts)


class _Rates:
    """Counts per second between two readings of the same server."""

    def __init__(self, now: Status, before: Status | None) -> None:
        same = before is not None and before.started == now.started and now.at > before.at
        self._before = before if same else None
        self._seconds = now.at - before.at if before is not None else 0.0
        self.known = same

    def all(self, now: Status) -> str:
        return self._rate(now.queries, self._before.queries if self._before else 0)

    def vlan(self, vlan: VlanCounts, outcome: str | None = None) -> str:
        was = self._vlan(vlan.name)
        if outcome is None:
            return self._rate(vlan.queries, was.queries if was else 0)
        return self._rate(vlan.outcomes.get(outcome, 0), was.outcomes.get(outcome, 0) if was else 0)

    def service(self, vlan: str, service: str, outcome: str, queries: int) -> str:
        was = self._vlan(vlan)
        before = was.services if was else ()
        same = (s.queries for s in before if (s.service, s.outcome) == (service, outcome))
        return self._rate(queries, sum(same))

    def upstream(self, upstream: UpstreamStatus) -> tuple[str, float | None]:
        """Queries per second, and the latency between the readings (else since the start)."""
        was = self._upstream(upstream.name)
        if was is None:
            return "", upstream.latency
        answered = upstream.answered - was.answered
        latency = (upstream.seconds - was.seconds) / answered if answered else upstream.latency
        return self._rate(upstream.queries, was.queries), latency

    def _vlan(self, name: str) -> VlanCounts | None:
        vlans = self._before.vlans if self._before else ()
        return next((vlan for vlan in vlans if vlan.name == name), None)

    def _upstream(self, name: str) -> UpstreamStatus | None:
        upstreams = self._before.upstreams if self._before else ()
        return next((each for each in upstreams if each.name == name), None)

    def _rate(self, now: int, before: int) -> str:
        if self._before is None:
            return ""
        rate = max(0.0, (now - before) / self._seconds)
        return _many(round(rate)) if rate >= 10 or rate == 0 else f"{rate:.1f}"


def _head(now: Status, rates: _Rates) -> Text:
    head = Text(f"darban {now.version}", style="bold")
    head.append(f", {now.build}", style="not bold")
    head.append(f"  up {_span(now.at - now.started)}, pid {now.pid}, ", style="not bold")
    head.append(f"workers {now.workers} of {now.workers_expected}", style="not bold")
    if now.worker_restarts:
        head.append(f" ({now.worker_restarts} replaced)", style="not bold")
    lines = [
        head,
        Text(f"config    {_plain(now.config)}"),
        Text(f"snapshot  {now.hash}, in force for {_span(now.at - now.loaded)}"),
        *_reload(now),
        Text(f"queries   {_many(now.queries)}{_per_second(rates.all(now))}, {_from(now)}"),
        Text(f"cache     {_cache(now)}"),
    ]
    return Text("\n").join(lines)


def _reload(now: Status) -> Iterator[Text]:
    last = now.last_reload
    if last is not None:
        result = last.result.replace("_", " ")
        yield Text(f"reload    {_span(now.at - last.at)} ago, by {last.by}: {result}")


def _alarms(now: Status) -> Iterator[Text]:
    """What somebody should look at."""
    if not now.config_ok:
        yield Text("what the config says is not in force; see darban check", "bold red")
    if now.workers < now.workers_expected:
        yield Text(f"only {now.workers} of {now.workers_expected} workers serve", "bold red")
    if now.block_log is not None and now.block_log.problem:
        yield Text(f"the block log cannot be written: {now.block_log.problem}", "bold red")
    for upstream in now.upstreams:
        if not upstream.up:
            yield Text(f"upstream {upstream.name} does not answer", "bold red")


def _from(now: Status) -> str:
    answers = now.answers
    total = answers.cache + answers.upstream
    if not total:
        return "none answered yet"
    return f"{answers.cache / total:.1%} of the answers without asking an upstream"


def _cache(now: Status) -> str:
    cache = now.cache
    rate = "" if cache.hit_rate is None else f", {cache.hit_rate:.1%} of look-ups found an answer"
    size, most = cache.bytes / _MIB, cache.max_bytes / _MIB
    return f"{_many(cache.entries)} answers, {size:,.1f} of {most:,.0f} MiB{rate}"


def _vlans(now: Status, rates: _Rates) -> Table:
    shown = [
        outcome for outcome in _SHOWN_OUTCOMES if outcome in _ALWAYS or now.outcome(outcome) > 0
    ]
    with_rates = [heading for heading in ("queries", "blocked") if rates.known]
    headings = []
    for heading in ("queries", *(outcome.replace("_", " ") for outcome in shown)):
        headings += [heading, "/s"] if heading in with_rates else [heading]
    table = _table("by VLAN", "VLAN", *headings)
    for vlan in now.vlans:
        if vlan.name == "unknown" and not vlan.queries:
            continue
        cells = [_many(vlan.queries)] + [rates.vlan(vlan)] * rates.known
        for outcome in shown:
            cells.append(_many(vlan.outcomes.get(outcome, 0)))
            if outcome in with_rates:
                cells.append(rates.vlan(vlan, outcome))
        audit = " (audit)" if vlan.mode == "audit" else ""
        table.add_row(vlan.name + audit, *cells)
    return table


def _services(now: Status, rates: _Rates) -> Table:
    titles = {each.service: each.title for each in now.lists}
    counts = [(vlan.name, service) for vlan in now.vlans for service in vlan.services]
    counts.sort(key=lambda each: -each[1].queries)
    headings = ("queries", "/s") if rates.known else ("queries",)
    table = _table("by service", "service", *headings, texts=("VLAN", "outcome"))
    for vlan, count in counts[:_SERVICES]:
        name = Text(count.service or "deny of the policy")
        title = _plain(titles.get(count.service, ""))
        if title and title.casefold() != count.service:
            name.append(f" {_isolated(title)}", style="dim")
        numbers = [_many(count.queries)]
        if rates.known:
            numbers.append(rates.service(vlan, count.service, count.outcome, count.queries))
        table.add_row(name, vlan, count.outcome.replace("_", " "), *numbers)
    if not counts:
        table.add_row("none yet", "", "", "")
    elif len(counts) > _SERVICES:
        table.add_row(f"and {len(counts) - _SERVICES} more", "", "", "")
    return table


def _upstreams(now: Status, rates: _Rates) -> Table:
    headings = ("queries", "/s") if rates.known else ("queries",)
    table = _table("upstreams", "server", *headings, "failed", "latency", texts=("state",))
    for upstream in now.upstreams:
        rate, latency = rates.upstream(upstream)
        state = Text("up", "green") if upstream.up else Text("down", "bold red")
        numbers = [_many(upstream.queries), rate] if rates.known else [_many(upstream.queries)]
        took = "" if latency is None else f"{latency * 1000:,.1f} ms"
        table.add_row(upstream.name, state, *numbers, _many(upstream.failures), took)
    return table


def _exemptions(now: Status, width: int) -> Iterator[Table]:
    """Those that need a look first: ended, soon to end, then the others by their end."""
    if not now.exemptions:
        return
    approved = ("approved by", "ticket") if width >= _ROOMY else ()
    headings = ("state", "for", "services", "until", *approved)
    table = _table("exemptions", "exemption", texts=headings)
    for each in sorted(now.exemptions, key=lambda each: each.until):
        style = {"ended": "red", "ends soon": "yellow"}.get(each.state, "green")
        table.add_row(
            each.id,
            Text(each.state, style),
            _beneficiary(each),
            ", ".join(each.services),
            _moment(each.until),
            *(Text(_isolated(_plain(t))) for t in (each.approver, each.ticket) if approved),
        )
    yield table


def _beneficiary(exemption: ExemptionStatus) -> str:
    return exemption.vlan or "\n".join(exemption.prefixes)


def _lists(now: Status) -> Text:
    blocked = [f"{each.service} {each.entries}" for each in now.lists]
    reviewed = min((each.reviewed for each in now.lists if each.reviewed), default="")
    since = f"; the oldest review was on {reviewed}" if reviewed else ""
    return Text(f"lists     {', '.join(blocked) or 'none'}{since}")


def _fetched(now: Status) -> Iterator[Text]:
    """The lists of others, each with its age."""
    for each in now.fetched:
        age = "never" if each.updated is None else f"{_span(now.at - each.updated)} ago"
        failed = f", failed {each.failures} times since the start" if each.failures else ""
        style = "yellow" if each.failures or each.updated is None else ""
        yield Text(f"fetched   {each.name}: up to date {age}{failed}", style)


def _block_log(now: Status) -> Iterator[Text]:
    log = now.block_log
    if log is not None:
        lost = f", {_many(log.lost)} lost" if log.lost else ""
        yield Text(f"block log {_plain(log.file)}: {_many(log.records)} records{lost}")


def _table(title: str, first: str, *numbers: str, texts: Sequence[str] = ()) -> Table:
    """A table with texts on the left and numbers, never cut, on the right."""
    table = Table(
        title=title,
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        padding=(0, 2, 0, 0),
        show_edge=False,
    )
    for heading in (first, *texts):
        table.add_column(heading, overflow="fold")
    for heading in numbers:
        table.add_column(heading, justify="right", no_wrap=True)
    return table


def _many(number: int) -> str:
    """A count that fits a column: exact below ten millions."""
    if number < 10_000_000:
        return f"{number:,}"
    size, unit = next(each for each in _UNITS if number >= each[0])
    return f"{number / size:.4g}{unit}"


def _per_second(rate: str) -> str:
    return f" ({rate}/s)" if rate else ""


def _span(seconds: float) -> str:
    """A time in its two largest units."""
    minutes, rest = divmod(max(0, int(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def _moment(seconds: float) -> str:
    return dt.datetime.fromtimestamp(seconds).astimezone().strftime("%Y-%m-%d %H:%M")


def _plain(text: str) -> str:
    """Without what a terminal would obey."""
    return "".join(c for c in text if unicodedata.category(c) != "Cc")


def _isolated(text: str) -> str:
    """Within marks that keep right-to-left text from turning what stands beside it."""
    if any(unicodedata.bidirectional(c) in ("R", "AL") for c in text):
        return f"\u2068{text}\u2069"
    return text
