"""The parts of the status page that move: health, counts, upstreams, the cache.

All of it comes from one ``Status``, the value that ``darban status`` shows.
"""

from collections.abc import Iterator, Sequence

from resolver.metrics.status import ServiceCount, Status, VlanCounts
from resolver.web.markup import NOTHING, Markup, fill, isolated, join, tag, text
from resolver.web.status_words import Words
from resolver.web.writing import Writing

_UNKNOWN = "unknown"
_BAR = 100
_REASONS = 5
"""Lines of what is wrong with a config."""


class Counts:
    """A status in one language's words."""

    def __init__(self, status: Status, words: Words, writing: Writing) -> None:
        self._status = status
        self._words = words
        self._writing = writing

    def health(self) -> Markup:
        """Whether all is in order, and what is not."""
        words = self._words
        faults, reminders = list(self._faults()), list(self._reminders())
        if not faults and not reminders:
            return tag("p", words.in_order, class_="health good")
        title = tag("p", tag("b", words.needs_a_look))
        listed = tag("ul", *(tag("li", each) for each in faults + reminders))
        return tag("div", title, listed, class_=f"health {'bad' if faults else 'warn'}")

    def _faults(self) -> Iterator[Markup]:
        status, words = self._status, self._words
        if not status.config_ok:
            reload = status.last_reload
            why = () if reload is None else reload.report[:_REASONS]
            reasons = tag("ul", *(tag("li", isolated(line)) for line in why), class_="code")
            yield join(words.config_not_ok, reasons if why else NOTHING)
        if status.workers < status.workers_expected:
            workers, expected = self._workers()
            yield fill(words.workers_missing, workers=workers, expected=expected)
        for upstream in status.upstreams:
            if not upstream.up:
                yield fill(words.upstream_down, server=isolated(upstream.name))
        log = self._status.block_log
        if log is not None and log.problem:
            yield fill(words.block_log_fails, file=isolated(log.file), why=isolated(log.problem))

    def _reminders(self) -> Iterator[Markup]:
        sentences = {
            "ends soon": self._words.exemption_ends,
            "ended": self._words.exemption_ended,
        }
        for exemption in self._status.exemptions:
            if exemption.state in sentences:
                until = self._writing.moment(exemption.until)
                sentence = sentences[exemption.state]
                yield fill(sentence, exemption=isolated(exemption.id), until=until)

    def _workers(self) -> tuple[str, str]:
        status = self._status
        return self._writing.number(status.workers), self._writing.number(status.workers_expected)

    def figures(self) -> Markup:
        """The few numbers to see at a glance."""
        status, words, writing = self._status, self._words, self._writing
        queries, answers = status.queries, status.answers
        here = answers.cache
        answered = here + answers.upstream
        unknown = sum(vlan.queries for vlan in status.vlans if vlan.name == _UNKNOWN)
        blocked, audited = status.outcome("blocked"), status.outcome("would_block")
        share = fill(words.of_all, share=writing.share(blocked, queries))
        of_answers = fill(words.of_answers, answers=writing.number(answered))
        figures = [
            self._figure("queries", words.queries, writing.number(queries), NOTHING),
            self._figure("blocked", words.blocked, writing.number(blocked), share),
            self._figure(
                *("here", words.without_upstream, writing.share(here, answered), of_answers)
            ),
            self._figure(
                *("failed", words.failed, writing.number(status.outcome("failed"))),
                text(words.not_answered),
            ),
            self._figure(
                *("unknown", words.unknown_clients, writing.number(unknown)), text(words.in_no_vlan)
            ),
        ]
        if audited:
            audit = text(words.audit_only)
            figures.insert(
                2, self._figure("audit", words.would_block, writing.number(audited), audit)
            )
        return tag("dl", *figures, class_="figures")

    def _figure(self, name: str, label: str, number: str, note: Markup) -> Markup:
        value = tag("dd", isolated(number), class_="number")
        said = tag("dd", note, class_="soft") if note else NOTHING
        return tag("div", tag("dt", label), value, said, class_=f"figure {name}")

    def by_vlan(self) -> Markup:
        """Blocks by VLAN and service, each with a bar as long as its share of the largest."""
        counts = [count.queries for vlan in self._status.vlans for count in vlan.services]
        most = max(counts, default=0)
        shown = [vlan for vlan in self._status.vlans if vlan.name != _UNKNOWN]
        return join(*(self._vlan(vlan, most) for vlan in shown))

    def _vlan(self, vlan: VlanCounts, most: int) -> Markup:
        words, writing = self._words, self._writing
        number = f" ({vlan.id})" if vlan.id is not None else ""
        policy = isolated(vlan.policy) if vlan.policy else text(words.other_vlan)
        queries = fill(words.of_queries, queries=writing.number(vlan.queries))
        name = tag("b", isolated(vlan.name + number))
        caption = tag("caption", name, " ", tag("span", policy, " · ", queries, class_="soft"))
        if not vlan.services:
            nothing = tag("td", words.nothing_met, class_="soft")
            return tag("table", caption, tag("tbody", tag("tr", nothing)), class_="counts")
        heads = tag(
            "tr",
            tag("th", words.service, scope="col"),
            tag("th", words.queries, scope="col", class_="figures-of"),
            tag("td"),
        )
        rows = (self._service(count, most) for count in vlan.services)
        return tag("table", caption, tag("thead", heads), tag("tbody", *rows), class_="counts")

    def _service(self, count: ServiceCount, most: int) -> Markup:
        words, name = self._words, isolated(count.service)
        if not count.service:
            name = text(words.own_rule)
        if count.outcome != "blocked":
            outcome = tag("span", words.outcomes[count.outcome], class_=count.outcome)
            name = join(name, " ", outcome)
        number = tag("td", self._writing.number(count.queries), class_="figures-of")
        bar = tag("td", _bar(count.queries, most, count.outcome), class_="bar-of")
        return tag("tr", tag("th", name, scope="row"), number, bar)

    def upstreams(self) -> Markup:
        """The servers that are asked."""
        words, writing = self._words, self._writing
        heads = (words.server, words.state, words.queries, words.failures, words.latency)
        rows = []
        for each in self._status.upstreams:
            state = tag(
                "span", words.up if each.up else words.down, class_="good" if each.up else "bad"
            )
            took = "–" if each.latency is None else writing.milliseconds(each.latency)
            numbers = (writing.number(each.queries), writing.number(each.failures), took)
            rows.append((isolated(each.name), state, *numbers))
        return table(heads, rows, numbers_from=2)

    def cache(self) -> Markup:
        """What the caches hold, and how far answers had to go."""
        words, writing, cache = self._words, self._writing, self._status.cache
        looked_up = cache.hits + cache.misses
        size = f"{writing.size(cache.bytes)} / {writing.size(cache.max_bytes)}"
        kept = facts(
            {
                words.entries: text(writing.number(cache.entries)),
                words.memory: isolated(size),
                words.hit_rate: text(writing.share(cache.hits, looked_up)),
            }
        )
        answers = self._status.answers
        paths = {
            words.from_cache: answers.cache,
            words.from_upstream: answers.upstream,
        }
        most = max(paths.values())
        rows = [
            tag(
                "tr",
                tag("th", path, scope="row"),
                tag("td", writing.number(number), class_="figures-of"),
                tag("td", _bar(number, most, "path"), class_="bar-of"),
            )
            for path, number in paths.items()
        ]
        return join(kept, tag("table", tag("caption", words.paths), *rows, class_="counts"))

    def server(self) -> Markup:
        """The server itself."""
        status, words, writing = self._status, self._words, self._writing
        workers, expected = self._workers()
        rows = {
            words.version: isolated(status.version),
            words.running: text(writing.span(status.at - status.started)),
            words.in_force: text(writing.span(status.at - status.loaded)),
            words.workers: fill(words.workers_of, workers=workers, expected=expected),
            words.snapshot: isolated(status.hash, class_="code"),
            words.config: isolated(status.config, class_="code"),
        }
        if status.last_reload is not None:
            result = words.reloads[status.last_reload.result]
            rows[words.reload] = text(f"{result}, {writing.moment(status.last_reload.at)}")
        return facts(rows)

    def fetched(self) -> Markup:
        """The lists that others keep, each with its age; nothing where there is none."""
        words, rows = self._words, []
        for each in self._status.fetched:
            age = tag("span", words.never, class_="warn")
            if each.updated is not None:
                span = self._writing.span(self._status.at - each.updated)
                age = fill(words.ago, span=span)
            rows.append((isolated(each.name), age, text(self._writing.number(each.failures))))
        heads = (words.fetched, words.up_to_date, words.failures)
        return table(heads, rows, numbers_from=2) if rows else NOTHING


def facts(rows: dict[str, Markup]) -> Markup:
    """Terms with what is said of each."""
    pairs = [tag("div", tag("dt", term), tag("dd", said)) for term, said in rows.items()]
    return tag("dl", *pairs, class_="facts")


def table(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]], numbers_from: int) -> Markup:
    """A table whose first column names the row, with numbers from some column on."""
    kinds = ["figures-of" if place >= numbers_from else None for place in range(len(heads))]
    head = [
        tag("th", each, scope="col", class_=kind) for each, kind in zip(heads, kinds, strict=True)
    ]
    body = []
    for first, *others in rows:
        cells = [tag("td", each, class_=kind) for each, kind in zip(others, kinds[1:], strict=True)]
        body.append(tag("tr", tag("th", first, scope="row"), *cells))
    whole = tag("table", tag("thead", tag("tr", *head)), tag("tbody", *body))
    return tag("div", whole, class_="scroll", tabindex=0, role="group")


def _bar(number: int, most: int, kind: str) -> Markup:
    """A bar that a screen reader passes over: the number stands beside it."""
    width = f"{_BAR * number / most:.2f}" if most else "0"
    bar = tag("rect", width=width, height="1", class_=kind)
    return tag(
        *("svg", bar),
        class_="bar",
        viewBox=f"0 0 {_BAR} 1",
        preserveAspectRatio="none",
        aria_hidden="true",
    )
