"""What all pages for people have in common over HTTP: language, headers, JSON for programs."""

import json
from collections.abc import Mapping

from aiohttp import web

from resolver.web.negotiation import preferred
from resolver.web.rendering import LANGUAGES, Page

HEADERS: Mapping[str, str] = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "Server": "darban",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""Headers of every response."""

_POLICY = "default-src 'none'; style-src '{style}'; base-uri 'none'; frame-ancestors 'none'"


def language(request: web.BaseRequest) -> str:
    """The language of the response: ``lang`` in the query, else what the browser prefers."""
    asked = request.query.get("lang", "")
    if asked in LANGUAGES:
        return asked
    return preferred(request.headers.get("Accept-Language", ""), LANGUAGES)


def wants_json(request: web.BaseRequest) -> bool:
    """Whether the client prefers JSON to HTML."""
    accept = request.headers.get("Accept", "")
    return preferred(accept, ("text/html", "application/json")) == "application/json"


def html_response(
    page: Page, html: str, language: str, status: int = 200, allowed: str = "form-action 'none'"
) -> web.Response:
    """A rendered page as a response; ``allowed`` is added to its content security policy."""
    headers = {
        **HEADERS,
        "Content-Language": language,
        "Content-Security-Policy": f"{_POLICY.format(style=page.style_source)}; {allowed}",
        "Vary": "Accept, Accept-Language",
    }
    return web.Response(text=html, status=status, content_type="text/html", headers=headers)


def json_response(value: object, status: int) -> web.Response:
    """A JSON object as a response."""
    text = json.dumps(value, ensure_ascii=False, indent=2) + "\n"
    headers = {**HEADERS, "Vary": "Accept"}
    return web.Response(text=text, status=status, content_type="application/json", headers=headers)
