"""What all pages for people have in common over HTTP: language and headers."""

from collections.abc import Iterator, Mapping, Sequence

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


_MAX_ENTRIES = 50
"""Entries of a header that are read."""


def preferred(header: str, offered: Sequence[str]) -> str:
    """The language with the highest quality in an Accept-Language header, as ``fa`` for ``fa-IR``.

    RFC 9110 section 12.5.4; malformed parts of the header are ignored.

    It is one of those that are offered: the first of them where the header names none.
    """
    for name, quality in sorted(_entries(header), key=lambda entry: -entry[1]):
        language = name.partition("-")[0]
        if quality and language in offered:
            return language
    return offered[0]


def _entries(header: str) -> Iterator[tuple[str, float]]:
    for entry in header.split(",")[:_MAX_ENTRIES]:
        name, *parameters = (part.strip().lower() for part in entry.split(";"))
        yield name, _parse_quality(parameters)


def _parse_quality(parameters: Sequence[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                quality = float(value)
            except ValueError:
                return 0.0
            return quality if 0.0 <= quality <= 1.0 else 0.0
    return 1.0


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
