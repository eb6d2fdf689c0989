"""The block page: why a name is blocked, and whom to ask.

A blocked name resolves to the address of this page. Whatever a browser then requests there,
by any method, host and path, gets one static page in Persian or English, or JSON. The status
is 451, unavailable for legal reasons (RFC 7725).

What must stay true:
- Nothing about the visitor is stored: no cookie, no log, no count.
- The response is always this page: no redirect, and nothing that a browser would remember for
  the site that the person wanted to open.
"""

import asyncio
import re
from collections.abc import Callable

from aiohttp import web
from aiohttp.typedefs import Handler
from markupsafe import Markup, escape

from resolver.analysis.explanation import Explainer
from resolver.policy.compiled import Endpoint
from resolver.web import pages
from resolver.web.block_notice import BlockNotice, NoticeKind, block_notice
from resolver.web.listener import listen
from resolver.web.rendering import Page

_PAGE = Page("block_page", "base.css", "block_page.css")
_REQUEST_TIMEOUT = 10
"""Seconds within which a whole request must arrive."""
_UNAVAILABLE = 451
_MISDIRECTED = 421
_STATUS = {NoticeKind.BLOCKED: _UNAVAILABLE, NoticeKind.GENERAL: 200}
_MAIL = re.compile(r"[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+", re.ASCII)


async def serve(explainer: Callable[[], Explainer], endpoint: Endpoint) -> asyncio.Server:
    """Serve the page on an endpoint; ``explainer`` returns the policy in force.

    Raises:
        PageListenError: the address is in use or not this host's.
    """

    @web.middleware  # before routing: the response is the same for every method, host and path
    async def answer(request: web.Request, handler: Handler) -> web.StreamResponse:  # noqa: ARG001
        return _answer(explainer(), request)

    app = web.Application(middlewares=[answer])
    return await listen(app, endpoint, "the block page", "[block_page] listen", _REQUEST_TIMEOUT)


def _answer(explainer: Explainer, request: web.BaseRequest) -> web.Response:
    client = (request.remote or "").partition("%")[0]  # without the interface of a link-local one
    notice = block_notice(explainer, client, request.headers.get("Host", ""))
    status = _STATUS.get(notice.kind, _MISDIRECTED)
    language = pages.language(request)
    if pages.wants_json(request):
        response = pages.json_response(notice.as_json(), status)
    else:
        response = pages.html_response(_PAGE, page(notice, language), language, status)
    if status == _UNAVAILABLE:
        host, port, *_ = request.get_extra_info("sockname")
        response.headers["Link"] = f'<http://{Endpoint(host, port)}/>; rel="blocked-by"'
    response.force_close()
    return response


def page(notice: BlockNotice, language: str) -> str:
    """The page as HTML."""
    contact = _MAIL.sub(r'<a href="mailto:\g<0>">\g<0></a>', str(escape(notice.contact)))
    return _PAGE.render(language, notice=notice, contact=Markup(contact))
