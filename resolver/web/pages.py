"""What all pages for people have in common over HTTP: language and headers."""

from collections.abc import Mapping

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


def language(asked: str, accepted: str) -> str:
    """The language of a response: ``lang`` of the query, else by the Accept-Language header."""
    return asked if asked in LANGUAGES else preferred(accepted, LANGUAGES)


def html_headers(page: Page, language: str, allowed: str = "form-action 'none'") -> dict[str, str]:
    """The headers of a rendered page; ``allowed`` is added to its content security policy."""
    return {
        **HEADERS,
        "Content-Language": language,
        "Content-Security-Policy": f"{_POLICY.format(style=page.style_source)}; {allowed}",
        "Content-Type": "text/html; charset=utf-8",
        "Vary": "Accept-Language",
    }
