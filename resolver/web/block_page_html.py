"""The block page as HTML: Jinja2 renders it with slots, and the values are put in afterwards.

How it works: a page depends on the language, on the kind of the notice, and on which values there
are. There are a few dozen such variants, whatever the policy. The process that serves the page has
them rendered by a child process, so it never loads Jinja2, which takes 4 MB.

What must stay true:
- Every value is escaped before it is put in, and is never searched for slots.
"""

import itertools
import json
import os
import re
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import quote, urlencode

from markupsafe import Markup, escape

from resolver.policy.compiled import Directive, Service
from resolver.web.block_notice import BlockNotice, NoticeKind
from resolver.web.formatting import Formatting
from resolver.web.rendering import LANGUAGES, Page, messages

PAGE = Page("block_page", "base.css", "block_page.css")
_MAIL = re.compile(r"[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+", re.ASCII)
_SLOT = re.compile("\ue000(\\w+)\ue001")
_CATEGORIES = (None, "messenger", "encrypted-dns", "")


class _Variant(NamedTuple):
    """What decides the parts of a page."""

    language: str
    kind: str
    reason: str
    exempts_publicity: bool
    given: frozenset[str]
    """The names of the values that there are."""


_skeletons: dict[_Variant, str] = {}
"""The pages with slots that were rendered."""


def page(notice: BlockNotice, language: str) -> str:
    """The page of a notice."""
    values = _values(notice, language)
    skeleton = _skeleton(_variant(notice, language, values))
    return _SLOT.sub(lambda slot: values[slot[1]], skeleton)


def render_in_child() -> None:
    """Render all variants in a child process; this one must have no threads."""
    variants = list(dict.fromkeys(_variants()))
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        with os.fdopen(writing, "w", encoding="utf-8") as pipe:
            json.dump([_skeleton(each) for each in variants], pipe)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as pipe:
        _skeletons.update(zip(variants, json.load(pipe), strict=True))
    os.waitpid(child, 0)


def _variants() -> Iterator[_Variant]:
    """The variant of every notice."""
    either = (True, False)
    for language, kind, category, with_directives, contact, hourly, rest in itertools.product(
        LANGUAGES, NoticeKind, _CATEGORIES, either, either, either, either
    ):
        service = None if category is None else Service("s", category, "", "", False, 0, "")
        directives = (Directive("1", "2015-02-18", ""),) if with_directives else ()
        opens_at = 0.0 if hourly and kind is NoticeKind.BLOCKED else None
        given = (kind, "n", service, "v", "c" * contact, directives)
        notice = BlockNotice(*given, client="a", opens_at=opens_at, blocks_rest=rest)
        if kind is NoticeKind.GENERAL:
            notice = BlockNotice(kind)
        yield _variant(notice, language, _values(notice, language))


def _variant(notice: BlockNotice, language: str, values: dict[str, Markup]) -> _Variant:
    given = frozenset(name for name, value in values.items() if value)
    return _Variant(language, notice.kind, notice.reason, notice.exempts_publicity, given)


def _skeleton(variant: _Variant) -> str:
    skeleton = _skeletons.get(variant)
    if skeleton is None:
        slots = {name: f"\ue000{name}\ue001" * (name in variant.given) for name in _NAMES}
        skeleton = _skeletons[variant] = PAGE.render(
            **variant._asdict(),
            **slots,
        )
    return skeleton


def _values(notice: BlockNotice, language: str) -> dict[str, Markup]:
    """The values of the slots, as HTML; empty where there is none."""
    service = notice.service
    title = service and ((language == "fa" and service.persian) or service.title or service.name)
    formatting = Formatting(language)
    is_blocked = notice.kind is NoticeKind.BLOCKED
    query = escape(_mail_query(notice, str(title or notice.name), language)) if is_blocked else ""
    link = rf'<a href="mailto:\g<0>{query}">\g<0></a>'
    contact = _MAIL.sub(link, str(escape(notice.contact)))
    return {
        "name": escape(notice.name),
        "service_name": escape(title or ""),
        "service": escape(service.name if service else ""),
        "vlan": escape(notice.vlan),
        "contact": Markup(contact),
        "directives": _directives(notice.directives, language),
        "client": escape(notice.client),
        "until": escape("" if notice.opens_at is None else formatting.moment(notice.opens_at)),
    }


def _mail_query(notice: BlockNotice, service: str, language: str) -> str:
    """What a mail to the contact begins with, as the query of a mailto link (RFC 6068)."""
    text = messages(language)["block_page"]
    subject = text["mail_subject"].unescape().format(service=service)
    body = text["mail_body"].unescape()
    time = Formatting(language).moment(notice.at)
    body = body.format(name=notice.name, time=time, device=notice.client, vlan=notice.vlan)
    return "?" + urlencode(
        {"subject": subject, "body": body.replace("\n", "\r\n")}, quote_via=quote
    )


def _directives(directives: tuple[Directive, ...], language: str) -> Markup:
    """The directive that bans, and those that narrow it, as a list."""
    text, formatting = messages(language)["block_page"], Formatting(language)
    number = Markup("<b><bdi>{}</bdi></b>")
    date = Markup('<time datetime="{}">{}</time>')
    items = [
        Markup("<li>{}</li>\n").format(
            text["narrowing" if place else "directive"].format(
                number=number.format(formatting.digits(each.number)),
                date=date.format(each.date, formatting.both_days(each.date)),
            )
        )
        for place, each in enumerate(directives)
    ]
    return Markup("<ul>\n{}</ul>").format(Markup().join(items)) if items else Markup()


_NAMES = tuple(_values(BlockNotice(NoticeKind.GENERAL), "en"))
