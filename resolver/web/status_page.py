"""The status page: what ``darban status`` and ``darban explain`` show, for a browser.

The page needs no script. With its script, the parts that change are fetched again every few
seconds, and what was typed into the form stays.

What must stay true:
- The page only reads. Nobody can change anything through it.
- Nothing is loaded from elsewhere, and typed text is shown as text.
- The page is served only under names that no website can have (``metrics_page``).
"""

from collections.abc import Callable, Iterator

from aiohttp import web

from resolver.analysis.explanation import Explainer
from resolver.analysis.service_references import service_references
from resolver.metrics.faults import faults
from resolver.metrics.status import Status
from resolver.policy.compiled import CompiledConfig, Policy
from resolver.policy.services import services_in
from resolver.web import pages
from resolver.web.name_lookup import look_up
from resolver.web.rendering import Page, read_file

_PAGE = Page("status_page", "base.css", "status_page.css")
_SCRIPT = read_file("static/status_page.js")
_ALLOWED = "script-src 'self'; connect-src 'self'; form-action 'self'"


def add_to(
    app: web.Application, status: Callable[[], Status], explainer: Callable[[], Explainer]
) -> None:
    """Add the page to an application at ``/``; both callables are called for each request."""

    async def whole(request: web.Request) -> web.Response:
        accepted = request.headers.get("Accept-Language", "")
        language = pages.language(request.query.get("lang", ""), accepted)
        who, name = (request.query.get(key, "").strip() for key in ("who", "name"))
        html = page(status(), explainer(), who, name, language)
        return web.Response(text=html, headers=pages.html_headers(_PAGE, language, _ALLOWED))

    async def script(_: web.Request) -> web.Response:
        return web.Response(text=_SCRIPT, content_type="text/javascript", headers=pages.HEADERS)

    app.router.add_get("/", whole)
    app.router.add_get("/status_page.js", script)


def page(status: Status, explainer: Explainer, who: str, name: str, language: str) -> str:
    """The page as HTML, with the answer for a client or VLAN and a name if either is given."""
    terms = explainer.terms
    return _PAGE.render(
        language,
        status=status,
        faults=list(faults(status)),
        terms=terms,
        policies=[(each, list(_blocked(terms, each))) for each in terms.policies],
        lookup=look_up(explainer, who, name),
    )


def _blocked(terms: CompiledConfig, policy: Policy) -> Iterator[str]:
    """What a policy blocks, as the config writes it: categories, services, names."""
    services = services_in(policy.blocks, terms.services)
    yield from service_references(services, terms.services)
    yield from policy.denied
