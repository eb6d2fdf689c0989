"""What all pages for people have in common: languages, the frame, the headers.

A page is one document: no cookie, nothing from elsewhere, and its content security policy
allows no more than what it was made with.
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from urllib.parse import urlencode

from aiohttp import web

from resolver.web.markup import NOTHING, Markup, join, tag
from resolver.web.negotiation import preferred

LANGUAGES = ("fa", "en")
"""Persian first: it is what is shown to who prefers neither."""

_OTHER = {"fa": ("en", "English"), "en": ("fa", "فارسی")}

HEADERS: Mapping[str, str] = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "Server": "darban",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""Of every response, besides its own."""

_POLICY = "default-src 'none'; style-src '{style}'; base-uri 'none'; frame-ancestors 'none'"
_NO_FORMS = "form-action 'none'"

DOOR = Markup(
    '<svg class="door" viewBox="0 0 24 24" aria-hidden="true">'
    '<path d="M4 22V10a8 8 0 0 1 16 0v12"/><path d="M1.5 22h21"/>'
    '<path d="M8 22V10.5a4 4 0 0 1 8 0V22"/><circle cx="13.6" cy="15" r=".9"/></svg>'
)
"""The mark of the doorkeeper."""


@dataclass(frozen=True, slots=True)
class Style:
    """A style sheet that stands within the page, and the source that allows it."""

    text: str
    source: str


def style(*files: str) -> Style:
    """The style sheets of this package that have these names, as one."""
    package = resources.files("resolver.web")
    text = "".join(package.joinpath(file).read_text(encoding="utf-8") for file in files)
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return Style(text, f"sha256-{digest}")


def language(request: web.BaseRequest) -> str:
    """The language to answer in: as the address says, else as the browser prefers."""
    asked = request.query.get("lang", "")
    if asked in LANGUAGES:
        return asked
    return preferred(request.headers.get("Accept-Language", ""), LANGUAGES)


def wants_json(request: web.BaseRequest) -> bool:
    """Whether who asks is a program that would rather have JSON."""
    accept = request.headers.get("Accept", "")
    return preferred(accept, ("text/html", "application/json")) == "application/json"


def switch(code: str, **more: str) -> Markup:
    """The way to the other language, in that language; ``more`` stays in the address."""
    other, name = _OTHER[code]
    query = urlencode({"lang": other, **more})
    direction = "rtl" if other == "fa" else "ltr"
    return tag("a", name, href=f"?{query}", hreflang=other, lang=other, dir=direction)


def document(code: str, title: str, look: Style, *body: str, head: Markup = NOTHING) -> str:
    """A whole page."""
    direction = "rtl" if code == "fa" else "ltr"
    metas = (
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="robots", content="noindex"),
    )
    inside = join(*metas, tag("title", title), tag("style", Markup(look.text)), head)
    page = tag("html", tag("head", inside), tag("body", *body), lang=code, dir=direction)
    return f"<!doctype html>\n{page}\n"


def response(
    text: str, code: str, look: Style, status: int = 200, allowed: str = _NO_FORMS
) -> web.Response:
    """A page as what is sent; ``allowed`` is what its own content security policy adds."""
    policy = _POLICY.format(style=look.source)
    headers = {
        **HEADERS,
        "Content-Language": code,
        "Content-Security-Policy": f"{policy}; {allowed}",
        "Vary": "Accept, Accept-Language",
    }
    return web.Response(text=text, status=status, content_type="text/html", headers=headers)


def json_response(value: object, status: int) -> web.Response:
    """An answer for programs."""
    text = json.dumps(value, ensure_ascii=False, indent=2) + "\n"
    headers = {**HEADERS, "Vary": "Accept"}
    return web.Response(text=text, status=status, content_type="application/json", headers=headers)
