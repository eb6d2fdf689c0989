"""The status page: most of what ``darban status`` shows, for a browser.

The page needs no script. With its script, the parts that change are fetched again every few
seconds.

What must stay true:
- Every user of this host can read the page. Of an exemption it has the services, the VLAN and the
  times; not for whom in the VLAN it is, who has approved it, nor its ticket or id, which is made of
  the ticket. So it has no errors of a config either: they quote the config. Of a change of the
  config it has when, by whom and how many lines, and not what: that has the exemptions.
- The page only reads. Nobody can change anything through it.
- Nothing is loaded from elsewhere.
- The page is served only under names that no website can have (``metrics_page``).
"""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import ip_network
from typing import assert_never

from aiohttp import web
from markupsafe import escape

from resolver.metrics.fault_texts import fault_texts
from resolver.metrics.faults import faults
from resolver.metrics.status import ExemptionStatus, Status
from resolver.policy.clauses import Action
from resolver.policy.compiled import CompiledConfig, Service
from resolver.policy.description import (
    DefaultEntry,
    PolicyDescription,
    RuleEntry,
    ServiceEntry,
    allowed_references,
    describe,
    service_references,
)
from resolver.policy.prefixes import PrefixTable, network_of
from resolver.policy.service_hours import BlockingHours
from resolver.system.time_zones import time_zone
from resolver.web import pages
from resolver.web.figure_plots import VlanHistory
from resolver.web.rendering import Page, read_file
from resolver.web.titles import Titles

_PAGE = Page("status_page", "base.css", "status_page.css")
_SCRIPT = read_file("static/status_page.js")
_ALLOWED = "script-src 'self'; connect-src 'self'; form-action 'none'"


def add_to(
    app: web.Application,
    status: Callable[[], Status],
    compiled: Callable[[], CompiledConfig],
    history: Callable[[], Awaitable[Sequence[VlanHistory]]],
) -> None:
    """Add the page to an application at ``/``; the callables are called for each request."""

    async def whole(request: web.Request) -> web.Response:
        accepted = request.headers.get("Accept-Language", "")
        language = pages.language(request.query.get("lang", ""), accepted)
        html = page(status(), compiled(), language, await history())
        return web.Response(text=html, headers=pages.html_headers(_PAGE, language, _ALLOWED))

    async def script(_: web.Request) -> web.Response:
        return web.Response(text=_SCRIPT, content_type="text/javascript", headers=pages.HEADERS)

    app.router.add_get("/", whole)
    app.router.add_get("/status_page.js", script)


def page(
    status: Status,
    compiled: CompiledConfig,
    language: str,
    history: Sequence[VlanHistory] = (),
) -> str:
    """The page as HTML."""
    return _PAGE.render(
        *(language, time_zone(compiled.settings.report.time_zone)),
        status=status,
        faults=list(faults(status)),
        sentences={kind: escape(text.sentences[language]) for kind, text in fault_texts().items()},
        compiled=compiled,
        policies=[
            (
                policy,
                list(_restricted(compiled, policy)),
                allowed_references(policy, compiled.services),
            )
            for policy in describe(compiled)
        ],
        exemptions=[_exemption(exemption, compiled) for exemption in status.exemptions],
        titles=Titles(compiled, language),
        history=history,
    )


@dataclass(frozen=True, slots=True)
class _Exemption:
    """What the page shows of an exemption."""

    services: Sequence[str]
    vlans: Sequence[str]
    is_for_some: bool
    """Whether it is for some clients of these VLANs."""
    state: str
    begins: float
    until: float
    hours: str


def _exemption(full: ExemptionStatus, compiled: CompiledConfig) -> _Exemption:
    vlans = [full.vlan] if full.vlan is not None else _vlans(full.prefixes, compiled)
    return _Exemption(
        *(full.services, vlans, full.vlan is None, full.state),
        *(full.begins, full.until, full.hours),
    )


def _vlans(prefixes: Sequence[str], compiled: CompiledConfig) -> list[str]:
    """The VLANs that have clients in prefixes, by their names."""
    table, vlans = PrefixTable(compiled.prefixes), set[int]()
    for network in map(ip_network, prefixes):
        vlans.update(table.matches(network.network_address.packed)[:1])
        vlans.update(
            prefix.owner
            for prefix in compiled.prefixes
            if prefix.length > network.prefixlen and network_of(prefix).overlaps(network)
        )
    return sorted(compiled.vlans[vlan].name for vlan in vlans)


@dataclass(frozen=True, slots=True)
class _Restricted:
    """What a policy blocks, or counts."""

    does: Action
    names: Sequence[tuple[str, tuple[BlockingHours, ...]]]
    """As the config writes them, with hours: categories, services, names. Where all other names are
    of it, no service is named."""
    all_others: bool
    """Whether the names that no other clause is for are of it."""


def _restricted(compiled: CompiledConfig, policy: PolicyDescription) -> Iterator[_Restricted]:
    for does in (action for action in Action if any(e.does is action for e in policy.restricted)):
        all_others = policy.unlisted is does
        by_hours: dict[tuple[BlockingHours, ...], list[Service]] = {}
        rules: list[tuple[str, tuple[BlockingHours, ...]]] = []
        for entry in (candidate for candidate in policy.restricted if candidate.does is does):
            match entry:
                case ServiceEntry(service=service, hours=hours):
                    if not all_others:
                        by_hours.setdefault(hours, []).append(service)
                case RuleEntry(text=text):
                    rules.append((text, ()))
                case DefaultEntry():
                    pass  # ``all_others``
                case _:
                    assert_never(entry)
        names = [
            (name, hours)
            for hours, services in by_hours.items()
            for name in service_references(services, compiled.services)
        ]
        yield _Restricted(does, [*names, *rules], all_others)
