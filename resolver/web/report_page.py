"""The report as one page that can be printed: nothing in it comes from elsewhere."""

import datetime as dt
from collections.abc import Iterator

from resolver.analysis.expectations import ExpectationResult
from resolver.analysis.report import CitedDirective, Report, VlanReport
from resolver.metrics.status import ExemptionStatus
from resolver.web import pages
from resolver.web.markup import Markup, fill, isolated, join, tag, text
from resolver.web.report_words import WORDS
from resolver.web.status_counts import table
from resolver.web.writing import Writing

_STYLE = pages.style("pages.css", "status_page.css", "report_page.css")


def page(report: Report, code: str) -> str:
    """The page as HTML, in a language."""
    return _Page(report, code).whole()


class _Page:
    """One report in one language."""

    def __init__(self, report: Report, code: str) -> None:
        self._report = report
        self._code = code
        self._words = WORDS[code]
        self._writing = Writing(code)

    def whole(self) -> str:
        words = self._words
        head = tag("header", pages.DOOR, tag("h1", words.title))
        vlans = (tag("section", *self._vlan(vlan), class_="vlan") for vlan in self._report.vlans)
        others = tag("section", *self._strangers(), class_="vlan")
        main = tag("main", self._made(), *vlans, others)
        return pages.document(self._code, words.title, _STYLE, head, main)

    def _made(self) -> Markup:
        report, words, writing = self._report, self._words, self._writing
        config, snapshot = isolated(report.config), isolated(report.snapshot)
        at = writing.moment(report.at)
        told = [tag("p", fill(words.made, at=at, version=isolated(report.version)))]
        if report.loaded is None:
            told.append(_notice(fill(words.of_config, snapshot=snapshot, config=config)))
        else:
            loaded = writing.moment(report.loaded)
            parts = {"snapshot": snapshot, "loaded": loaded, "config": config}
            told.append(tag("p", fill(words.in_force, **parts)))
        if report.config_differs:
            told.append(_notice(fill(words.differs, config=config)))
        if not report.expectations_run:
            told.append(_notice(text(words.not_run)))
        if report.failed:
            told.append(_notice(fill(words.failing, number=writing.number(report.failed))))
        return tag("div", *told, class_="made")

    def _vlan(self, vlan: VlanReport) -> Iterator[Markup]:
        words = self._words
        number = "" if vlan.id is None else f" ({self._writing.text(str(vlan.id))})"
        yield tag("h2", fill(words.vlan, name=isolated(vlan.name)), number)
        yield _facts(self._policy(vlan))
        yield tag("h3", words.directives)
        yield self._directives(vlan)
        yield tag("h3", words.blocks)
        yield self._blocks(vlan)
        yield tag("h3", words.exemptions)
        yield self._exemptions(vlan)
        yield from self._expectations(vlan.expectations)
        yield tag("h3", words.counts)
        yield from self._counts(vlan)

    def _policy(self, vlan: VlanReport) -> dict[str, Markup]:
        words = self._words
        rows = {
            words.clients: isolated(", ".join(vlan.prefixes)),
            words.policy: isolated(vlan.policy),
            words.mode: text(words.enforce if vlan.mode == "enforce" else words.audit),
            words.answer: isolated(vlan.answer),
        }
        if vlan.contact:
            rows[words.contact] = isolated(vlan.contact)
        if vlan.allowed:
            rows[words.allowed] = isolated(", ".join(vlan.allowed))
        return rows

    def _directives(self, vlan: VlanReport) -> Markup:
        words = self._words
        rows = [self._directive(each) for each in vlan.directives]
        return self._table((words.number, words.date, words.covers), rows, words.no_directives)

    def _directive(self, directive: CitedDirective) -> tuple[str, ...]:
        writing = self._writing
        day = writing.day(dt.date.fromisoformat(directive.date))
        covers = [isolated(each) for each in directive.covers]
        if directive.narrows:
            other = isolated(writing.text(directive.narrows))
            covers.append(fill(self._words.narrows, other=other))
        date = tag("time", day, datetime=directive.date)
        return isolated(writing.text(directive.number)), date, _listed(covers)

    def _blocks(self, vlan: VlanReport) -> Markup:
        words, writing = self._words, self._writing
        rows: list[tuple[str, ...]] = [
            (
                join(isolated(each.name), " ", tag("span", isolated(each.title), class_="soft")),
                isolated(each.category),
                isolated(writing.text(each.directive)) if each.directive else words.agency_policy,
                writing.number(each.names),
            )
            for each in vlan.services
        ]
        if vlan.denied:
            names = isolated(", ".join(vlan.denied))
            number = writing.number(len(vlan.denied))
            rows.append((names, words.own_names, words.agency_policy, number))
        heads = (words.service, words.category, words.ground, words.names)
        return self._table(heads, rows, words.blocks_nothing, numbers_from=3)

    def _exemptions(self, vlan: VlanReport) -> Markup:
        words = self._words
        heads = (
            *(words.exemption, words.whom, words.services, words.approver),
            *(words.ticket, words.reason, words.until, words.state),
        )
        rows = [self._exemption(each) for each in vlan.exemptions]
        return self._table(heads, rows, words.no_exemptions)

    def _exemption(self, each: ExemptionStatus) -> tuple[str, ...]:
        return (
            isolated(each.id),
            isolated(each.vlan or ", ".join(each.prefixes)),
            isolated(", ".join(each.services)),
            isolated(each.approver),
            isolated(each.ticket),
            isolated(each.reason) if each.reason else "",
            self._end(each.until),
            self._words.states[each.state],
        )

    def _end(self, until: float) -> str:
        """In both calendars: it is what a letter of approval has to agree with."""
        at = dt.datetime.fromtimestamp(until).astimezone()
        return f"{self._writing.day(at.date())} {self._writing.text(f'{at:%H:%M}')}"

    def _expectations(self, judged: tuple[ExpectationResult, ...]) -> Iterator[Markup]:
        words = self._words
        if not self._report.expectations_run:
            return
        yield tag("h3", fill(words.expectations, at=self._writing.moment(self._report.at)))
        heads = (words.client, words.name, words.type, words.expected, words.result)
        rows = [self._judged(each) for each in judged]
        yield self._table(heads, rows, words.no_expectations)

    def _judged(self, each: ExpectationResult) -> tuple[str, ...]:
        words = self._words
        expected = text(words.outcomes[each.expected])
        if each.at is not None:
            expected = join(expected, " ", fill(words.at, at=self._writing.moment(each.at)))
        result = text(words.holds)
        if not each.holds:
            got = fill(words.fails, got=words.outcomes[each.got])
            result = tag("span", got, class_="fails bad")
        return isolated(each.client), isolated(each.name), isolated(each.type), expected, result

    def _counts(self, vlan: VlanReport) -> Iterator[Markup]:
        words, writing, started = self._words, self._writing, self._report.started
        if vlan.counts is None or started is None:
            yield tag("p", words.counts_unknown)
            return
        yield tag("p", fill(words.counts_since, started=writing.moment(started)), class_="soft")
        if not vlan.counts.queries:
            yield tag("p", words.nothing_counted)
            return
        rows: list[tuple[str, ...]] = [(words.all_queries, "", writing.number(vlan.counts.queries))]
        for outcome, number in sorted(vlan.counts.outcomes.items()):
            rows.append((words.outcomes[outcome], "", writing.number(number)))
        for each in vlan.counts.services:
            service = isolated(each.service) if each.service else text(words.own_names)
            rows.append((words.outcomes[each.outcome], service, writing.number(each.queries)))
        heads = (words.outcome, words.service, words.queries)
        yield self._table(heads, rows, words.nothing_counted, numbers_from=2)

    def _strangers(self) -> Iterator[Markup]:
        words, refused = self._words, self._report.refused
        yield tag("h2", words.strangers)
        if refused is None:
            yield tag("p", words.counts_unknown)
        else:
            number = self._writing.number(refused)
            yield tag("p", fill(words.strangers_refused, number=number))
        yield from self._expectations(self._report.strangers)

    def _table(
        self,
        heads: tuple[str, ...],
        rows: list[tuple[str, ...]],
        none: str,
        numbers_from: int | None = None,
    ) -> Markup:
        if not rows:
            return tag("p", none)
        return table(heads, rows, len(heads) if numbers_from is None else numbers_from)


def _facts(rows: dict[str, Markup]) -> Markup:
    told = [tag("tr", tag("th", of, scope="row"), tag("td", said)) for of, said in rows.items()]
    return tag("table", tag("tbody", *told), class_="said")


def _notice(inside: Markup) -> Markup:
    return tag("p", inside, class_="notice")


def _listed(parts: list[Markup]) -> Markup:
    return join(*parts[:1], *(join(", ", part) for part in parts[1:]))
