"""The status page: how the server stands, for a browser, on the metrics' listener.

What it shows is what ``darban status`` and ``darban explain`` tell: one ``Status``, the terms
in force, and the same engine. The page is whole without a script; with one, what moves is
fetched anew every few seconds, and a question that was typed stays where it is.

What must stay true:
- It only reads. Whoever can open it can change nothing.
- Nothing comes from elsewhere, and what is typed comes back as text.
- It is shown to nobody who comes by a name that a website could have (``own_names``).
"""

import datetime as dt
from collections import Counter
from collections.abc import Callable
from importlib import resources

from aiohttp import web

from resolver.analysis.explanation import Explainer
from resolver.metrics.status import Status
from resolver.policy.compiled import Directive, Policy, Terms
from resolver.policy.services import services_in
from resolver.web import explain_box, own_names, pages
from resolver.web.explain_box import Asked
from resolver.web.markup import NOTHING, Markup, fill, isolated, join, tag, text
from resolver.web.status_counts import Counts, facts, table
from resolver.web.status_words import WORDS, Words
from resolver.web.writing import Writing

_STYLE = pages.style("pages.css", "status_page.css")
_SCRIPT = resources.files("resolver.web").joinpath("status_page.js").read_text(encoding="utf-8")
_MISDIRECTED = 421
_ALLOWED = "script-src 'self'; connect-src 'self'; form-action 'self'"


def add_to(
    app: web.Application, status: Callable[[], Status], engine: Callable[[], Explainer]
) -> None:
    """Have an application answer ``/`` with the page; both are asked anew each time."""

    async def whole(request: web.Request) -> web.Response:
        now = engine()
        if not own_names.is_own(request.headers.get("Host", ""), now.terms):
            return web.Response(
                text=own_names.WRONG_HOST, status=_MISDIRECTED, headers=pages.HEADERS
            )
        code = pages.language(request)
        asked = Asked(request.query.get("who", "").strip(), request.query.get("name", "").strip())
        html = page(status(), now, asked, code)
        return pages.response(html, code, _STYLE, allowed=_ALLOWED)

    async def script(_: web.Request) -> web.Response:
        return web.Response(text=_SCRIPT, content_type="text/javascript", headers=pages.HEADERS)

    app.router.add_get("/", whole)
    app.router.add_get("/status_page.js", script)


def page(status: Status, engine: Explainer, asked: Asked, code: str) -> str:
    """The page as HTML."""
    words, writing = WORDS[code], Writing(code)
    counts = Counts(status, words, writing)
    rest = _Settled(status, engine.terms, words, writing)
    pause = tag(
        "button", words.pause, type="button", id="pause", hidden=True, data_resume=words.resume
    )
    asked_again = {} if asked.is_empty else {"who": asked.who, "name": asked.name}
    switch = pages.switch(code, **asked_again)
    name = tag("h1", words.title)
    head = tag("header", pages.DOOR, name, tag("nav", pause, switch))
    asking = explain_box.box(engine, asked, code, words)
    policy = (
        _card("blocks", words.by_vlan, _moving("by-vlan", counts.by_vlan())),
        _card("policies", words.policies, rest.policies()),
        _card("exemptions", words.exemptions, rest.exemptions()),
    )
    machine = (
        _card("upstreams", words.upstreams, _moving("servers", counts.upstreams())),
        _card("cache", words.cache, _moving("kept", counts.cache())),
        _card("server", words.server_itself, _moving("itself", counts.server())),
        _card("lists", words.lists, rest.lists(), _moving("fetched", counts.fetched())),
    )
    main = tag(
        "main",
        _moving("health", counts.health()),
        _moving("figures", counts.figures()),
        tag(
            *("div", asking, tag("div", *policy, class_="policy"), tag("div", *machine)),
            class_="columns",
        ),
    )
    foot = tag("footer", tag("p", words.over_time))
    script = tag("script", src="status_page.js", defer=True)
    return pages.document(code, words.title, _STYLE, head, main, foot, head=script)


def _card(name: str, heading: str, *inside: str) -> Markup:
    title = tag("h2", heading, id=f"{name}-title")
    return tag("section", title, *inside, id=name, class_="card", aria_labelledby=f"{name}-title")


def _moving(name: str, inside: Markup) -> Markup:
    """A part that the script fetches anew."""
    return tag("div", inside, id=f"moving-{name}", data_moving=True)


class _Settled:
    """What changes only with the config."""

    def __init__(self, status: Status, terms: Terms, words: Words, writing: Writing) -> None:
        self._status = status
        self._terms = terms
        self._words = words
        self._writing = writing

    def policies(self) -> Markup:
        places = range(len(self._terms.policies))
        return join(*(self._policy(place) for place in places))

    def _policy(self, place: int) -> Markup:
        words, policy = self._words, self._terms.policies[place]
        vlans = ", ".join(each.name for each in self._terms.vlans if each.policy == place)
        whom = fill(words.policy_of, vlans=isolated(vlans)) if vlans else text(words.policy_of_none)
        title = tag("h3", isolated(policy.name), " ", tag("span", whom, class_="soft"))
        rows = {words.blocks: self._blocks(policy)}
        if policy.blocks or policy.own:
            rows[words.state] = text(words.enforce if policy.enforce else words.audit)
            rows[words.answer] = isolated(policy.answer)
        if policy.directives:
            rows[words.on_ground] = self._ground(policy)
        if policy.contact:
            rows[words.contact] = isolated(policy.contact)
        return join(title, facts(rows))

    def _blocks(self, policy: Policy) -> Markup:
        """Categories that it blocks all of, other services, and its own names."""
        blocked: dict[str, list[str]] = {}
        whole = Counter(service.category for service in self._terms.services)
        for service in services_in(policy.blocks, self._terms.services):
            blocked.setdefault(service.category, []).append(service.name)
        told = []
        for category, services in blocked.items():
            if len(services) == whole[category]:
                number = self._writing.number(len(services))
                services = [join(isolated(f"@{category}"), f" ({number})")]
            told += services
        told += [each.text for each in policy.own if not each.allow]
        if not told:
            return text(self._words.blocks_nothing)
        return join(isolated(told[0]), *(join(", ", isolated(each)) for each in told[1:]))

    def _ground(self, policy: Policy) -> Markup:
        cited = [tag("li", self._directive(each)) for each in policy.directives]
        return tag("ul", *cited, class_="plain")

    def _directive(self, directive: Directive) -> Markup:
        words, writing = self._words, self._writing
        day = writing.day(dt.date.fromisoformat(directive.date))
        date = tag("time", day, datetime=directive.date)
        number = isolated(writing.text(directive.number))
        if not directive.narrows:
            return fill(words.directive, number=number, date=date)
        other = isolated(writing.text(directive.narrows))
        return fill(words.narrows, number=number, date=date, other=other)

    def exemptions(self) -> Markup:
        words, writing = self._words, self._writing
        if not self._status.exemptions:
            return tag("p", words.no_exemptions, class_="soft")
        heads = (
            *(words.exemption, words.state, words.whom, words.services),
            *(words.until, words.approver),
        )
        rows = []
        for each in sorted(self._status.exemptions, key=lambda each: each.until):
            state = tag("span", words.states[each.state], class_=_STATES[each.state])
            whom = isolated(each.vlan or ", ".join(each.prefixes))
            approved = join(isolated(each.approver), ", ", isolated(each.ticket))
            until = text(writing.moment(each.until))
            services = isolated(", ".join(each.services))
            rows.append((isolated(each.id), state, whom, services, until, approved))
        return table(heads, rows, numbers_from=len(heads))

    def lists(self) -> Markup:
        words = self._words
        rows: list[tuple[str, ...]] = [
            (
                *(isolated(each.service), isolated(each.category), self._reviewed(each.reviewed)),
                self._writing.number(each.entries),
            )
            for each in self._status.lists
        ]
        if not rows:
            return NOTHING
        heads = (words.service, words.category, words.reviewed, words.names)
        return table(heads, rows, numbers_from=3)

    def _reviewed(self, iso: str) -> Markup:
        """How long ago a list was reviewed, with the day for who points at it."""
        if not iso:
            return text("–")
        day = dt.date.fromisoformat(iso)
        days = (dt.datetime.fromtimestamp(self._status.at).astimezone().date() - day).days
        span = self._writing.span(days * 86400.0)
        ago = fill(self._words.ago, span=span) if days > 0 else self._words.today
        return tag("time", ago, datetime=iso, title=self._writing.short_day(day))


_STATES = {"in force": "good", "ends soon": "warn", "ended": "bad"}
