"""The block page: why a name is blocked, and whom to ask.

A blocked name resolves to the address of this page. Whatever a browser then requests there,
by any method, host and path, gets one static page in Persian or English. The status is
451, unavailable for legal reasons (RFC 7725).

What must stay true:
- Nothing about the visitor is stored: no cookie, no log, no count.
- The response is always this page: no redirect, and nothing that a browser would remember for
  the site that the person wanted to open.
- The page loads nothing. The agency's logo is in it, as a data URI.
"""

import re
from http import HTTPStatus

from resolver.analysis.explanation import Explainer
from resolver.system.time_zones import time_zone
from resolver.web import pages
from resolver.web.block_notice import NoticeKind, block_notice
from resolver.web.block_page_html import PAGE, page
from resolver.web.page_server import Request, response

_BLOCKED = HTTPStatus.UNAVAILABLE_FOR_LEGAL_REASONS
_STATUS = {NoticeKind.BLOCKED: _BLOCKED, NoticeKind.GENERAL: HTTPStatus.OK}
_LANGUAGE = re.compile(r"[?&]lang=(\w+)(?![^&#])")


def response_to(explainer: Explainer, request: Request) -> bytes:
    """The response to a request, by the policy of the explainer."""
    notice = block_notice(explainer, request.client, request.headers.get("host", ""))
    status = _STATUS.get(notice.kind, HTTPStatus.MISDIRECTED_REQUEST)
    asked = _LANGUAGE.search(request.target)
    accepted = request.headers.get("accept-language", "")
    language = pages.language(asked[1] if asked else "", accepted)
    settings = explainer.compiled.settings
    head, zone = settings.page_head, time_zone(settings.report.time_zone)
    allowed = "form-action 'none'; img-src data:" if head.logo else "form-action 'none'"
    headers = pages.html_headers(PAGE, language, allowed)
    if status == _BLOCKED:
        headers["Link"] = f'<http://{request.server}/>; rel="blocked-by"'
    return response(status, headers, page(notice, language, head, zone), is_head=request.is_head)
