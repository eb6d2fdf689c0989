"""What the block page says, to whom, by values; the real page is in the end-to-end tests."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.analysis.explanation import Explainer
from resolver.web.block_page import page
from resolver.web.block_words import ENGLISH, PERSIAN
from resolver.web.notice import Kind, Notice, notice
from tests.web.judged import engine

ADMINISTRATION = "10.10.0.5"


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Explainer:
    return engine(tmp_path_factory.mktemp("config"))


@pytest.mark.parametrize(
    ("client", "host", "kind", "service"),
    [
        (ADMINISTRATION, "web.one.example", Kind.CLOSED, "one"),
        (ADMINISTRATION, "WEB.ONE.EXAMPLE.:80", Kind.CLOSED, "one"),
        (ADMINISTRATION, "games.example", Kind.CLOSED, ""),
        ("fd00:10::5", "one.example:8080", Kind.CLOSED, "one"),
        ("10.10.3.7", "one.example", Kind.EXEMPTED, "one"),
        ("10.20.0.5", "one.example", Kind.OPEN, ""),
        ("10.30.0.5", "one.example", Kind.OPEN, "one"),
        (ADMINISTRATION, "www.agency.example", Kind.OPEN, ""),
        ("192.0.2.1", "one.example", Kind.GENERAL, ""),
        (ADMINISTRATION, "", Kind.GENERAL, ""),
        (ADMINISTRATION, ".", Kind.GENERAL, ""),
        (ADMINISTRATION, "10.0.0.54", Kind.GENERAL, ""),
        (ADMINISTRATION, "10.0.0.54:80", Kind.GENERAL, ""),
        (ADMINISTRATION, "[fd00::54]:80", Kind.GENERAL, ""),
        (ADMINISTRATION, "<b>.one.example", Kind.GENERAL, ""),
        (ADMINISTRATION, "a..one.example", Kind.GENERAL, ""),
        (ADMINISTRATION, f"{'a' * 64}.one.example", Kind.GENERAL, ""),
        (ADMINISTRATION, "a." * 5000 + "one.example", Kind.GENERAL, ""),
    ],
)
def test_what_there_is_to_tell(
    asked: Explainer, client: str, host: str, kind: Kind, service: str
) -> None:
    told = notice(asked, client, host)
    assert told.kind is kind
    assert (told.service.name if told.service else "") == service


def _closed(asked: Explainer, host: str, code: str = "en") -> tuple[Notice, str]:
    told = notice(asked, ADMINISTRATION, host)
    assert told.kind is Kind.CLOSED
    return told, page(told, code)


def test_a_messenger_is_closed_on_the_ground_of_directives(asked: Explainer) -> None:
    told, html = _closed(asked, "one.example")
    assert [each.number for each in told.directives] == ["1595/الف/م", "95/3525"]
    assert "<title>One &amp; &lt;Only&gt; is closed on this network</title>" in html
    assert "18 February 2015 (29 Bahman 1393)" in html
    assert "11 March 2017 (21 Esfand 1395)" in html
    assert "a foreign messenger" in html
    assert "public relations and non-administrative information are exempt" in html
    assert ENGLISH.agency_policy not in html


def test_the_same_in_persian(asked: Explainer) -> None:
    _, html = _closed(asked, "one.example", "fa")
    assert '<html lang="fa" dir="rtl">' in html
    assert "دسترسی به یک از این شبکه بسته است" in html
    assert "۱۵۹۵/الف/م" in html
    assert "۲۹ بهمن ۱۳۹۳ (۱۸ فوریهٔ ۲۰۱۵)" in html
    assert "۲۱ اسفند ۱۳۹۵ (۱۱ مارس ۲۰۱۷)" in html
    assert "روابط عمومی" in html


@pytest.mark.parametrize("host", ["dns.example", "desk.example", "games.example"])
def test_what_no_directive_covers_is_the_agency_s_own_policy(asked: Explainer, host: str) -> None:
    told, html = _closed(asked, host)
    assert told.directives == ()
    assert ENGLISH.agency_policy in html
    assert "foreign messenger" not in html
    assert "Directive" not in html
    assert ENGLISH.need in html


def test_the_contact_s_address_is_a_link_and_the_rest_is_text(asked: Explainer) -> None:
    _, html = _closed(asked, "one.example")
    link = '<a href="mailto:noc@agency.example">noc@agency.example</a>'
    assert f"<bdi>NOC &lt;{link}&gt;, 4242</bdi>" in html


def test_programs_are_told_the_same(asked: Explainer) -> None:
    told = notice(asked, ADMINISTRATION, "one.example").as_json()
    assert told["blocked"] is True
    assert (told["service"], told["ground"]) == ("one", "directive")
    assert notice(asked, ADMINISTRATION, "dns.example").as_json()["ground"] == (
        "agency network policy"
    )
    open_ = notice(asked, "10.20.0.5", "one.example").as_json()
    assert (open_["blocked"], open_["ground"]) == (False, "")


@given(host=st.text() | st.text("ab.:[]<>\"'&{}%\\-", max_size=40))
def test_whatever_host_is_asked_for_there_is_a_page(asked: Explainer, host: str) -> None:
    told = notice(asked, ADMINISTRATION, host)
    for code in ("en", "fa"):
        html = page(told, code)
        assert html.startswith("<!doctype html>")
        assert "<script" not in html


def test_both_languages_put_in_the_same_parts() -> None:
    for field in ENGLISH.__slots__:
        english, persian = getattr(ENGLISH, field), getattr(PERSIAN, field)
        if isinstance(english, str):
            assert _parts(english) == _parts(persian), field
        else:
            assert len(english) == len(persian)


def _parts(sentence: str) -> set[str]:
    return {part.partition("}")[0] for part in sentence.split("{")[1:]}
