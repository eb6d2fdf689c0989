"""The block page: why a name is not reached, and whom to ask.

A blocked name is answered with this page's address, and whatever the browser then asks for,
by any method, host and path, is answered with one static page: in Persian or English, or as
JSON for programs. The status is 451, unavailable for legal reasons (RFC 7725).

What must stay true:
- Nothing is kept of who asks and for what: no cookie, no script, no log, no count.
- It is never anything but the page: no redirect, nothing that a browser would remember of
  the site whose name led here.
"""

import asyncio
import datetime as dt
import re
from collections.abc import Callable
from urllib.parse import quote

from aiohttp import web
from aiohttp.typedefs import Handler

from resolver.analysis.explanation import Explainer
from resolver.policy.compiled import Directive, Endpoint
from resolver.web import pages
from resolver.web.block_words import WORDS, Words
from resolver.web.listener import listen
from resolver.web.markup import Markup, fill, isolated, join, tag, text
from resolver.web.notice import MESSENGER, Kind, Notice, notice
from resolver.web.writing import Writing

_STYLE = pages.style("pages.css", "block_page.css")
_PATIENCE = 10
"""Seconds for a whole request to arrive."""
_UNAVAILABLE = 451
_MISDIRECTED = 421
_STATUS = {Kind.CLOSED: _UNAVAILABLE, Kind.GENERAL: 200}
_MAIL = re.compile(r"[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+", re.ASCII)


async def serve(engine: Callable[[], Explainer], endpoint: Endpoint) -> asyncio.Server:
    """Serve the page on an endpoint; ``engine`` gives the policy in force.

    Raises:
        ListenError: the address is in use or not this host's.
    """

    @web.middleware  # before any routing: every method, host and path is answered alike
    async def answer(request: web.Request, handler: Handler) -> web.StreamResponse:  # noqa: ARG001
        return _answer(engine(), request)

    app = web.Application(middlewares=[answer])
    return await listen(app, endpoint, "the block page", "[block_page] listen", _PATIENCE)


def _answer(engine: Explainer, request: web.BaseRequest) -> web.Response:
    client = (request.remote or "").partition("%")[0]  # a link-local address has its link
    told = notice(engine, client, request.headers.get("Host", ""))
    status = _STATUS.get(told.kind, _MISDIRECTED)
    code = pages.language(request)
    if pages.wants_json(request):
        response = pages.json_response(told.as_json(), status)
    else:
        response = pages.response(page(told, code), code, _STYLE, status)
    if status == _UNAVAILABLE:
        host, port, *_ = request.get_extra_info("sockname")
        response.headers["Link"] = f'<http://{Endpoint(host, port)}/>; rel="blocked-by"'
    response.force_close()
    return response


def page(told: Notice, code: str) -> str:
    """The page as HTML."""
    words = WORDS[code]
    service = _service(told, code)
    top = tag("header", pages.DOOR, tag("nav", pages.switch(code)))
    main = tag("main", tag("h1", _title(told, words, isolated(service))), *_told(told, words, code))
    foot = tag("footer", tag("p", words.privacy))
    sheet = tag("div", top, main, foot, class_="sheet")
    return pages.document(code, _title(told, words, service), _STYLE, sheet)


def _title(told: Notice, words: Words, service: str) -> Markup:
    if told.kind is Kind.CLOSED:
        return fill(words.closed if told.service else words.closed_name, service=service)
    if told.kind is Kind.EXEMPTED:
        return fill(words.exempted, service=service)
    return text(words.open if told.kind is Kind.OPEN else words.general)


def _told(told: Notice, words: Words, code: str) -> tuple[Markup, ...]:
    name = isolated(told.name, class_="name")
    if told.kind is Kind.GENERAL:
        return (_lead(text(words.general_why)),)
    if told.kind is Kind.EXEMPTED:
        return (_lead(fill(words.exempted_why, name=name)),)
    if told.kind is Kind.OPEN:
        again = tag("p", words.open_if_again)
        return _lead(fill(words.open_why, name=name)), again, _contact(told, words)
    return (
        _lead(fill(_why(told, words), name=name, service=isolated(_service(told, code)))),
        _ground(told, words, code),
        _exemption(told, words),
        _contact(told, words),
        _details(told, words),
    )


def _lead(inside: Markup) -> Markup:
    return tag("p", inside, class_="lead")


def _why(told: Notice, words: Words) -> str:
    if told.service is None:
        return words.no_service
    if told.service.category == MESSENGER and told.directives:
        return words.messenger
    is_dns = told.service.category == "encrypted-dns"
    return words.encrypted_dns if is_dns else words.other_service


def _ground(told: Notice, words: Words, code: str) -> Markup:
    sentences = (words.directive, *(words.narrowing for _ in told.directives[1:]))
    cited = [
        tag("li", _cited(sentence, directive, code))
        for sentence, directive in zip(sentences, told.directives, strict=False)
    ]
    inside = tag("ul", *cited) if cited else tag("p", words.agency_policy)
    return _section("ground", words.ground, inside)


def _cited(sentence: str, directive: Directive, code: str) -> Markup:
    writing = Writing(code)
    day = writing.day(dt.date.fromisoformat(directive.date))
    date = tag("time", day, datetime=directive.date)
    return fill(sentence, number=tag("b", isolated(writing.text(directive.number))), date=date)


def _exemption(told: Notice, words: Words) -> Markup:
    heading = words.exempt if told.exempts_publicity else words.need
    how = words.exempt_who if told.exempts_publicity else words.need_how
    steps = tag("ol", *(tag("li", step) for step in words.steps))
    return _section("exemption", heading, tag("p", how), steps)


def _contact(told: Notice, words: Words) -> Markup:
    whom = isolated(_with_links(told.contact)) if told.contact else text(words.contact_none)
    return _section("contact", words.contact, tag("p", whom, class_="whom"))


def _with_links(contact: str) -> Markup:
    """A contact with its e-mail addresses as links."""
    parts, end = [], 0
    for found in _MAIL.finditer(contact):
        parts.append(contact[end : found.start()])
        parts.append(tag("a", found[0], href="mailto:" + quote(found[0], safe="@+")))
        end = found.end()
    return join(*parts, contact[end:])


def _details(told: Notice, words: Words) -> Markup:
    """What whoever is asked will want to know."""
    rows = {words.address: told.name, words.vlan: told.vlan}
    if told.service is not None:
        rows[words.service] = told.service.name
    pairs = [tag("div", tag("dt", term), tag("dd", isolated(it))) for term, it in rows.items()]
    return _section("details", words.details, tag("dl", *pairs))


def _section(name: str, heading: str, *inside: str) -> Markup:
    title = tag("h2", heading, id=name)
    return tag("section", title, *inside, class_=name, aria_labelledby=name)


def _service(told: Notice, code: str) -> str:
    if told.service is None:
        return ""
    return (code == "fa" and told.service.persian) or told.service.title or told.service.name
