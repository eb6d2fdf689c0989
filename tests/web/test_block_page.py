"""What the block page tells which client; the real page is in the end-to-end tests."""

import re
from pathlib import Path
from urllib.parse import parse_qs
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.analysis.explanation import Explainer
from resolver.policy.compiled import Directive, Service
from resolver.policy.settings import PageHead
from resolver.web.block_notice import BlockNotice, NoticeKind, block_notice
from resolver.web.block_page import response_to
from resolver.web.block_page_html import page
from resolver.web.formatting import Formatting
from resolver.web.page_server import Request
from resolver.web.rendering import LANGUAGES, messages
from tests.web.judged import ALLOWING, HOURLY, NOW, engine
from tests.web.page_text import HOSTILE, Parsed

ADMINISTRATION = "10.10.0.5"
HALF_PAST_TWO = NOW + 3 * 3600
NEXT_HALF_PAST_SEVEN = NOW - 4 * 3600 + 7 * 86400
ENGLISH = messages("en")["block_page"]


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Explainer:
    return engine(tmp_path_factory.mktemp("config"))


@pytest.mark.parametrize(
    ("client", "host", "kind", "service"),
    [
        (ADMINISTRATION, "web.one.example", NoticeKind.BLOCKED, "one"),
        (ADMINISTRATION, "WEB.ONE.EXAMPLE.:80", NoticeKind.BLOCKED, "one"),
        (ADMINISTRATION, "games.example", NoticeKind.BLOCKED, ""),
        ("fd00:10::5", "one.example:8080", NoticeKind.BLOCKED, "one"),
        ("10.10.3.7", "one.example", NoticeKind.EXEMPTED, "one"),
        ("10.20.0.5", "one.example", NoticeKind.NOT_BLOCKED, ""),
        ("10.30.0.5", "one.example", NoticeKind.NOT_BLOCKED, "one"),
        (ADMINISTRATION, "www.agency.example", NoticeKind.NOT_BLOCKED, ""),
        ("192.0.2.1", "one.example", NoticeKind.GENERAL, ""),
        (ADMINISTRATION, "", NoticeKind.GENERAL, ""),
        (ADMINISTRATION, ".", NoticeKind.GENERAL, ""),
        (ADMINISTRATION, "10.0.0.54", NoticeKind.GENERAL, ""),
        (ADMINISTRATION, "10.0.0.54:80", NoticeKind.GENERAL, ""),
        (ADMINISTRATION, "[fd00::54]:80", NoticeKind.GENERAL, ""),
        (ADMINISTRATION, "<b>.one.example", NoticeKind.GENERAL, ""),
        (ADMINISTRATION, "a..one.example", NoticeKind.GENERAL, ""),
        (ADMINISTRATION, f"{'a' * 64}.one.example", NoticeKind.GENERAL, ""),
        (ADMINISTRATION, "a." * 5000 + "one.example", NoticeKind.GENERAL, ""),
    ],
)
def test_each_client_gets_its_notice(
    asked: Explainer, client: str, host: str, kind: NoticeKind, service: str
) -> None:
    notice = block_notice(asked, client, host)
    assert notice.kind is kind
    assert (notice.service.name if notice.service else "") == service


def _blocked(asked: Explainer, host: str, language: str = "en") -> tuple[BlockNotice, str]:
    notice = block_notice(asked, ADMINISTRATION, host)
    assert notice.kind is NoticeKind.BLOCKED
    return notice, page(notice, language)


def test_the_vlan_has_its_title_for_the_person_and_its_name_for_support(tmp_path: Path) -> None:
    titled = ("[vlans.administration]", '[vlans.administration]\ntitle = "شبکهٔ ستاد"')
    asked = engine(tmp_path, change=titled)
    assert "<bdi>شبکهٔ ستاد (administration)</bdi>" in _blocked(asked, "one.example", "fa")[1]
    assert "<bdi>administration</bdi>" in _blocked(asked, "one.example")[1]


def test_the_page_of_a_messenger_cites_the_directives(asked: Explainer) -> None:
    notice, html = _blocked(asked, "one.example")
    assert [directive.number for directive in notice.directives] == ["1595/الف/م", "95/3525"]
    assert "<title>One &amp; &lt;Only&gt; is blocked on this network</title>" in html
    assert "18 February 2015 (29 Bahman 1393)" in html
    assert "11 March 2017 (21 Esfand 1395)" in html
    assert "a foreign messenger" in html
    assert "public relations and non-administrative information are exempt" in html
    assert ENGLISH["agency_policy"] not in html


def test_the_page_in_persian(asked: Explainer) -> None:
    _, html = _blocked(asked, "one.example", "fa")
    assert '<html lang="fa" dir="rtl">' in html
    assert "<title>دسترسی به یک از این شبکه مسدود است</title>" in html
    assert "۱۵۹۵/الف/م" in html
    assert "۲۹ بهمن ۱۳۹۳ (۱۸ فوریهٔ ۲۰۱۵)" in html
    assert "۲۱ اسفند ۱۳۹۵ (۱۱ مارس ۲۰۱۷)" in html
    assert "روابط عمومی" in html


@pytest.mark.parametrize("host", ["dns.example", "desk.example", "games.example"])
def test_a_block_without_directive_is_the_agency_s_own_policy(asked: Explainer, host: str) -> None:
    notice, html = _blocked(asked, host)
    assert notice.directives == ()
    assert ENGLISH["agency_policy"] in html
    assert "foreign messenger" not in html
    assert "Directive" not in html
    assert ENGLISH["needed"] in html


@pytest.mark.parametrize(
    ("client", "reason"),
    [
        ("10.10.3.7", "exempted"),
        ("10.20.0.5", "not_blocked"),
        ("192.0.2.1", "general"),
    ],
)
def test_a_client_that_is_not_blocked_is_told_why_it_is_here(
    asked: Explainer, client: str, reason: str
) -> None:
    html = page(block_notice(asked, client, "one.example"), "en")
    assert ENGLISH["reasons"][reason].partition("{")[0] in html
    assert ENGLISH["basis"] not in html


def test_mail_addresses_in_the_contact_are_links_and_the_rest_is_text(asked: Explainer) -> None:
    _, html = _blocked(asked, "one.example")
    link = r'<a href="mailto:noc@agency.example\?[^"]+">noc@agency.example</a>'
    assert re.search(f"<bdi>NOC &lt;{link}&gt;, 4242</bdi>", html)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_mail_has_what_the_operator_needs_for_an_exemption(
    asked: Explainer, language: str
) -> None:
    notice, html = _blocked(asked, "web.one.example", language)
    attributes = [attribute for attribute in Parsed(html).attributes if attribute]
    (href,) = [
        attribute for attribute in attributes if attribute.startswith("mailto:noc@agency.example?")
    ]
    query = parse_qs(href.partition("?")[2], strict_parsing=True)
    assert set(query) == {"subject", "body"}
    (body,) = query["body"]
    lines = body.split("\r\n")
    values = [line.partition(": ")[2] for line in lines[:5]]
    time = Formatting(language).moment(notice.at)
    service = {"fa": "یک", "en": "One & <Only>"}[language]
    assert values == [service, "web.one.example", time, ADMINISTRATION, "administration"]
    subject = messages(language)["block_page"]["mail_subject"].unescape()
    assert query["subject"] == [subject.format(service=service)]
    shown = Parsed(html).text
    assert [value for value in values if value not in shown] == []
    assert href.isascii()


@given(st.text(min_size=1), st.text())
def test_no_value_begins_another_line_of_the_mail(title: str, vlan_title: str) -> None:
    service = Service("one", "messenger", title, title, False, 1, "")
    notice = BlockNotice(
        NoticeKind.BLOCKED,
        *("one.example", service, "administration", vlan_title, "noc@agency.example"),
    )
    html = page(notice, "fa")
    (href,) = [
        attribute
        for attribute in Parsed(html).attributes
        if attribute and attribute.startswith("mailto:")
    ]
    query = parse_qs(href.partition("?")[2], keep_blank_values=True)
    assert set(query) == {"subject", "body"}
    [subject], [body] = query["subject"], query["body"]
    assert len(subject.splitlines()) == 1
    assert (len(body.splitlines()), body.count("\r\n"), body.count("\n")) == (6, 6, 6)


def test_the_agency_is_at_the_head_of_the_page(asked: Explainer) -> None:
    notice = block_notice(asked, ADMINISTRATION, "one.example")
    logo = "data:image/png;base64,iVBORw0KGgo="
    html = page(notice, "fa", PageHead("سازمان <نمونه>", logo))
    assert f'<img class="logo" src="{logo}" alt="">' in html
    assert "<bdi>سازمان &lt;نمونه&gt;</bdi>" in html
    assert '<svg class="door"' not in html
    assert '<svg class="door"' in page(notice, "fa", PageHead("سازمان نمونه"))
    assert "<img" not in page(notice, "fa")


def test_images_are_allowed_where_there_is_a_logo(asked: Explainer, tmp_path: Path) -> None:
    def policy(explainer: Explainer) -> str:
        request = Request("/", False, {"host": "one.example"}, ADMINISTRATION, "10.0.0.54:80")
        header = response_to(explainer, request).partition(b"\r\n\r\n")[0].decode()
        fields = dict(line.split(": ", 1) for line in header.splitlines()[1:])
        return fields["Content-Security-Policy"]

    assert "img-src" not in policy(asked)
    (tmp_path / "logo.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    with_logo = engine(tmp_path, change=("[lists]", '[block_page]\nlogo = "logo.png"\n[lists]'))
    assert policy(with_logo) == f"{policy(asked)}; img-src data:"


def test_moments_are_of_the_time_zone_of_the_report(asked: Explainer) -> None:
    notice = block_notice(asked, ADMINISTRATION, "one.example")
    shown = Formatting("en", ZoneInfo("Asia/Tehran")).moment(notice.at)
    assert shown.endswith("UTC+03:30")
    request = Request("/?lang=en", False, {"host": "one.example"}, ADMINISTRATION, "10.0.0.54:80")
    assert shown in response_to(asked, request).decode()


def test_the_page_shows_the_device_and_its_network(asked: Explainer) -> None:
    _, html = _blocked(asked, "one.example")
    details = html.partition('class="details"')[2]
    assert f"<dd><bdi>{ADMINISTRATION}</bdi></dd>" in details
    assert "<dd><bdi>administration</bdi></dd>" in details


@pytest.mark.parametrize(
    ("host", "changes"),
    [("one.example", HALF_PAST_TWO), ("desk.example", NEXT_HALF_PAST_SEVEN)],
)
def test_the_page_says_when_hours_end(tmp_path: Path, host: str, changes: float) -> None:
    """``NOW`` is on a Friday, at 11:30 in Tehran; ``desk`` is blocked outside of the hours."""
    wall = NOW if host == "one.example" else HALF_PAST_TWO
    hourly = engine(tmp_path, wall, HOURLY)
    for language in LANGUAGES:
        notice, html = _blocked(hourly, host, language)
        assert notice.opens_at == changes
        text = messages(language)["block_page"]["opens"]
        assert text.format(until=Formatting(language).moment(changes)) in html


def test_the_page_of_what_is_blocked_at_all_hours_names_no_end(asked: Explainer) -> None:
    notice, html = _blocked(asked, "one.example")
    assert notice.opens_at is None
    assert ENGLISH["opens"].partition("{")[0] not in html


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("host", "reason"),
    [
        ("www.example", "rest"),
        ("games.agency.example", "no_service"),
        ("desk.example", "other_service"),
    ],
)
def test_the_page_says_where_all_is_blocked_that_is_not_allowed(
    tmp_path: Path, host: str, reason: str, language: str
) -> None:
    notice = block_notice(engine(tmp_path, change=ALLOWING), "10.20.0.5", host)
    assert (notice.kind, notice.reason) == (NoticeKind.BLOCKED, reason)
    begin = messages(language)["block_page"]["reasons"]["rest"].partition("{")[0]
    assert (begin in page(notice, language)) is (reason == "rest")


@given(host=st.text() | st.text("ab.:[]<>\"'&{}%\\-", max_size=40))
def test_every_host_header_gets_a_page(asked: Explainer, host: str) -> None:
    notice = block_notice(asked, ADMINISTRATION, host)
    for language in LANGUAGES:
        html = page(notice, language)
        assert html.startswith("<!doctype html>")
        assert "<script" not in html


def _notice_of(text: str) -> BlockNotice:
    """A notice with a text in every field that holds one."""
    service = Service(text, "messenger", text, text, False, 1, "")
    directives = (Directive(text, "2015-02-18", ""),)
    return BlockNotice(NoticeKind.BLOCKED, text, service, text, text, text, directives, text)


@given(HOSTILE.filter(lambda text: "@" not in text))
def test_hostile_values_stay_text(hostile: str) -> None:
    parsed = Parsed(page(_notice_of(hostile), "en"))
    assert parsed.tags == Parsed(page(_notice_of("harmless"), "en")).tags
    assert hostile in parsed.text
    assert Parsed(page(_notice_of(hostile), "fa")).tags == parsed.tags
