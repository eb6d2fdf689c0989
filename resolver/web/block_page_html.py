"""The block page as HTML."""

import re
from datetime import tzinfo
from urllib.parse import quote, urlencode

from markupsafe import Markup, escape

from resolver.policy.compiled import Directive
from resolver.policy.settings import PageHead
from resolver.web.block_notice import BlockNotice, NoticeKind
from resolver.web.formatting import Formatting
from resolver.web.rendering import Page, messages

PAGE = Page("block_page", "base.css", "block_page.css")
_NO_HEAD = PageHead()
_MAIL = re.compile(r"[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+", re.ASCII)


def page(
    notice: BlockNotice, language: str, head: PageHead = _NO_HEAD, zone: tzinfo | None = None
) -> str:
    """The page of a notice; ``zone`` is the time zone of its moments, None for this host's."""
    return PAGE.render(
        *(language, zone),
        agency=head.name,
        logo=head.logo,
        kind=notice.kind,
        reason=notice.reason,
        exempts_publicity=notice.exempts_publicity,
        **_values(notice, language, Formatting(language, zone)),
    )


def _values(notice: BlockNotice, language: str, formatting: Formatting) -> dict[str, Markup]:
    """The values of the template, as HTML; empty where there is none."""
    service = notice.service
    title = service and ((language == "fa" and service.persian) or service.title or service.name)
    time, is_blocked = formatting.moment(notice.at), notice.kind is NoticeKind.BLOCKED
    query = ""
    if is_blocked:
        query = escape(_mail_query(notice, str(title or notice.name), time, language))
    link = rf'<a href="mailto:\g<0>{query}">\g<0></a>'
    contact = _MAIL.sub(link, str(escape(notice.contact)))
    return {
        "name": escape(notice.name),
        "service_name": escape(title or ""),
        "service": escape(service.name if service else ""),
        "vlan": escape(_vlan(notice, language)),
        "contact": Markup(contact),
        "directives": _directives(notice.directives, language),
        "client": escape(notice.client),
        "time": escape(time),
        "until": escape("" if notice.opens_at is None else formatting.moment(notice.opens_at)),
    }


def _vlan(notice: BlockNotice, language: str) -> str:
    """The VLAN for support, by its name; in Persian also for the person, by its title."""
    has_title = language == "fa" and notice.vlan_title
    return f"{notice.vlan_title} ({notice.vlan})" if has_title else notice.vlan


def _mail_query(notice: BlockNotice, service: str, time: str, language: str) -> str:
    """What a mail to the contact begins with, as the query of a mailto link (RFC 6068).

    It has nothing that the page does not show. No value has a line end, which would begin another
    header or line.
    """
    text = messages(language)["block_page"]
    shown = {
        "service": service,
        "name": notice.name,
        "time": time,
        "device": notice.client,
        "vlan": _vlan(notice, language),
    }
    values = {key: " ".join(value.split()) for key, value in shown.items()}
    subject, body = (text[key].unescape().format(**values) for key in ("mail_subject", "mail_body"))
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
                number=number.format(formatting.digits(directive.number)),
                date=date.format(directive.date, formatting.both_days(directive.date)),
            )
        )
        for place, directive in enumerate(directives)
    ]
    return Markup("<ul>\n{}</ul>").format(Markup().join(items)) if items else Markup()
