"""What the status page shows of a status, and what it answers to a question, by values."""

import datetime as dt
from dataclasses import replace
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.analysis.explanation import Explainer
from resolver.metrics.definitions import RELOAD_RESULTS
from resolver.metrics.status import (
    Answers,
    BlockLogStatus,
    CacheStatus,
    ExemptionStatus,
    FetchedStatus,
    LastReload,
    ListStatus,
    ServiceCount,
    Status,
    UpstreamStatus,
    VlanCounts,
)
from resolver.web.explain_box import Asked
from resolver.web.status_page import page
from resolver.web.status_words import ENGLISH, PERSIAN
from tests.web.judged import NOW, engine

NOTHING = Asked("", "")
BLOCKED = ServiceCount("one", "blocked", 1234)
DENIED = ServiceCount("", "would_block", 617)
UPSTREAM = UpstreamStatus("192.0.2.53:53", True, 40, 2, {}, 38, 0.076, 0.002)
EXEMPTION = ExemptionStatus(
    *("pr-1", None, ("10.10.3.7/32",), ("one",), NOW + 9e6, "Head & <PR>", "PR-1", "", "in force")
)
BLOCK_LOG = BlockLogStatus("/var/lib/darban/blocks.jsonl", "vlan", 17, 0, "")
STATUS = Status(
    version="1.2.3",
    build="compiled",
    pid=42,
    config="/etc/darban/config.toml",
    at=NOW,
    started=NOW - 3725,
    snapshot="/var/lib/darban/snapshots/0123456789abcdef",
    hash="0123456789abcdef",
    loaded=NOW - 60,
    config_ok=True,
    workers=2,
    workers_expected=2,
    worker_restarts=0,
    last_reload=LastReload(NOW - 60, "applied", "uid 0", ()),
    vlans=(
        VlanCounts(
            *("administration", 10, "administrative", "enforce", 4000),
            {"blocked": 1234, "passed": 2766},
            (BLOCKED,),
        ),
        VlanCounts("trial", None, "watched", "audit", 700, {"would_block": 617}, (DENIED,)),
        VlanCounts("publicity", 20, "publicity", "enforce", 0, {}, ()),
        VlanCounts("unknown", None, "", "", 7, {"refused": 7}, ()),
    ),
    upstreams=(UPSTREAM,),
    cache=CacheStatus(20, 1 << 20, 64 << 20, 30, 10, 0.75),
    answers=Answers(3000, 1000),
    lists=(ListStatus("one", "messenger", "One & <Only>", 17, ("one.txt",), "2026-11-24"),),
    fetched=(),
    exemptions=(EXEMPTION,),
    block_log=BLOCK_LOG,
)


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Explainer:
    return engine(tmp_path_factory.mktemp("config"))


def test_it_shows_the_counts_by_vlan_and_service(asked: Explainer) -> None:
    html = page(STATUS, asked, NOTHING, "en")
    assert html.index("administration (10)") < html.index("1,234</td>") < html.index("617</td>")
    assert ENGLISH.own_rule in html
    assert ENGLISH.nothing_met in html
    assert '<rect width="100.00" height="1" class="blocked">' in html
    assert '<rect width="50.00" height="1" class="would_block">' in html
    assert "<bdi>4,707</bdi>" in html, "all queries"
    assert "26.2% of all" in html
    assert "<bdi>75.0%</bdi>" in html, "answered without an upstream"
    assert "<bdi>7</bdi>" in html, "of unknown clients"


def test_it_shows_policies_directives_and_exemptions(asked: Explainer) -> None:
    html = page(STATUS, asked, NOTHING, "en")
    assert "@messenger" in html
    assert "games.example" in html
    assert "18 February 2015 (29 Bahman 1393)" in html
    assert "which narrows <bdi>1595/الف/م</bdi>" in html
    assert "<bdi>10.10.3.7/32</bdi>" in html
    assert "Head &amp; &lt;PR&gt;" in html
    assert "audit: counts and blocks nothing" in html


@pytest.mark.parametrize(
    ("reviewed", "told"),
    [("", "–"), ("2027-01-15", "today"), ("2027-01-01", "14 d ago"), ("2027-02-01", "today")],
)
def test_it_shows_how_old_a_list_is(asked: Explainer, reviewed: str, told: str) -> None:
    (one,) = STATUS.lists
    noon = dt.datetime(2027, 1, 15, 12).astimezone().timestamp()
    status = replace(STATUS, at=noon, lists=(replace(one, reviewed=reviewed),))
    lists = page(status, asked, NOTHING, "en").partition('id="lists"')[2]
    assert told in lists.partition("</section>")[0]


def test_it_shows_how_old_a_fetched_list_is(asked: Explainer) -> None:
    assert ENGLISH.fetched not in page(STATUS, asked, NOTHING, "en")
    fetched = (FetchedStatus("ads", NOW - 7200, 3), FetchedStatus("late", None, 17))
    html = page(replace(STATUS, fetched=fetched), asked, NOTHING, "en")
    lists = html.partition('id="lists"')[2].partition("</section>")[0]
    rows = lists.partition(ENGLISH.fetched)[2]
    assert rows.index("ads") < rows.index("2 h ago") < rows.index(">3<") < rows.index("late")
    assert ENGLISH.never in rows.partition("late")[2]
    persian = page(replace(STATUS, fetched=fetched), asked, NOTHING, "fa")
    assert "۲ ساعت پیش" in persian


def test_the_same_in_persian(asked: Explainer) -> None:
    html = page(STATUS, asked, NOTHING, "fa")
    assert '<html lang="fa" dir="rtl">' in html
    assert "۱٬۲۳۴</td>" in html
    assert "۲۹ بهمن ۱۳۹۳ (۱۸ فوریهٔ ۲۰۱۵)" in html
    assert PERSIAN.in_order in html


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (replace(STATUS, config_ok=False), ENGLISH.config_not_ok),
        (
            replace(
                STATUS,
                config_ok=False,
                last_reload=LastReload(NOW, "invalid", "SIGHUP", ("config.toml:7: <wrong>",)),
            ),
            "<bdi>config.toml:7: &lt;wrong&gt;</bdi>",
        ),
        (replace(STATUS, workers=1), "Only 1 of 2 workers serve."),
        (
            replace(STATUS, upstreams=(replace(UPSTREAM, up=False),)),
            "The upstream <bdi>192.0.2.53:53</bdi> does not answer.",
        ),
        (
            replace(STATUS, block_log=replace(BLOCK_LOG, problem="No space left on device")),
            "blocks.jsonl</bdi> cannot be written: <bdi>No space left on device</bdi>.",
        ),
        (
            replace(STATUS, exemptions=(replace(EXEMPTION, state="ends soon"),)),
            "The exemption <bdi>pr-1</bdi> ends on",
        ),
        (
            replace(STATUS, exemptions=(replace(EXEMPTION, state="ended"),)),
            "The exemption <bdi>pr-1</bdi> ended on",
        ),
    ],
)
def test_what_needs_a_look_is_told_first(asked: Explainer, status: Status, told: str) -> None:
    good, html = (page(each, asked, NOTHING, "en") for each in (STATUS, status))
    assert ENGLISH.in_order in good
    assert ENGLISH.needs_a_look not in good
    assert ENGLISH.in_order not in html
    assert html.index(ENGLISH.needs_a_look) < html.index(told) < html.index('class="figures"')


def test_a_server_that_has_just_started_has_a_page(asked: Explainer) -> None:
    nothing = replace(
        *(STATUS,),
        vlans=(),
        upstreams=(),
        lists=(),
        exemptions=(),
        last_reload=None,
        answers=Answers(0, 0),
        cache=CacheStatus(0, 0, 64 << 20, 0, 0, None),
    )
    for code in ("en", "fa"):
        assert page(nothing, asked, NOTHING, code)


@pytest.mark.parametrize(
    ("who", "name", "outcome"),
    [
        ("10.10.0.5", "one.example", "blocked"),
        ("administration", "one.example", "blocked"),
        ("fd00:10::5", "ONE.example.", "blocked"),
        ("10.10.3.7", "one.example", "exempted"),
        ("trial", "one.example", "would be blocked"),
        ("publicity", "one.example", "passes"),
        ("192.0.2.1", "one.example", "refused"),
    ],
)
def test_it_explains(asked: Explainer, who: str, name: str, outcome: str) -> None:
    html = page(STATUS, asked, Asked(who, name), "en")
    assert f">{outcome}</b>" in html
    assert 'id="problem"' not in html
    assert f'value="{name}"' in html


@pytest.mark.parametrize(
    ("who", "name", "wrong", "problem"),
    [
        ("10.10.0.5", "", "name", ENGLISH.nothing_asked),
        ("", "one.example", "who", ENGLISH.nothing_asked),
        ("10.10.0", "one.example", "who", "“10.10.0” is no address"),
        ("fd00:::1", "one.example", "who", "“fd00:::1” is no address"),
        ("nobody", "one.example", "who", "no VLAN “nobody”; there are administration, trial"),
        ("<b>", "one.example", "who", "There is no VLAN “<b>”"),
        ("administration", "a..b", "name", "“a..b” is no name"),
        ("administration", "x" * 64, "name", "is no name"),
        ("administration", "a." * 5000, "name", "is no name"),
        ("\u0660.1.2.3", "one.example", "who", "is no address"),
    ],
)
def test_what_makes_no_sense_is_said_beside_the_form(
    asked: Explainer, who: str, name: str, wrong: str, problem: str
) -> None:
    html = page(STATUS, asked, Asked(who, name), "en")
    said = html.partition('id="problem"')[2].partition("</p>")[0]
    assert problem in unescape(said.replace("<bdi>", "").replace("</bdi>", ""))
    assert len(said) < 400
    invalid = [part for part in html.split("<input")[1:] if 'aria-invalid="true"' in part]
    assert len(invalid) == 1
    assert (f'id="{wrong}"') in invalid[0]
    assert 'class="told"' not in html
    assert "<b>”" not in html


@given(who=st.text(), name=st.text() | st.text("ab.<>\"'&{}%\\-", max_size=40))
def test_whatever_is_asked_there_is_a_page(asked: Explainer, who: str, name: str) -> None:
    for code in ("en", "fa"):
        html = page(STATUS, asked, Asked(who, name), code)
        assert html.count("<script") == 1


def test_every_way_a_reload_ends_has_its_words() -> None:
    assert ENGLISH.reloads.keys() == set(RELOAD_RESULTS)


def test_both_languages_put_in_the_same_parts() -> None:
    for field in ENGLISH.__slots__:
        english, persian = getattr(ENGLISH, field), getattr(PERSIAN, field)
        if isinstance(english, str):
            assert _parts(english) == _parts(persian), field
        else:
            assert english.keys() == persian.keys()


def _parts(sentence: str) -> set[str]:
    return {part.partition("}")[0] for part in sentence.split("{")[1:]}
