"""What the status page shows of a status."""

import datetime as dt
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from markupsafe import Markup

from resolver.metrics.status import (
    Answers,
    CacheStatus,
    ConfigChange,
    ExemptionStatus,
    FetchedStatus,
    HoursStatus,
    LastReload,
    PolicySourceStatus,
    ServiceCount,
    Status,
    VlanCounts,
    ZoneStatus,
)
from resolver.policy.clauses import Mode
from resolver.policy.compiled import CompiledConfig
from resolver.web.formatting import Formatting
from resolver.web.rendering import LANGUAGES, messages
from resolver.web.status_page import page
from tests.audit.time_zone import TEHRAN
from tests.web.judged import ALLOWING, HOURLY, NOW, engine
from tests.web.page_text import HOSTILE, Parsed
from tests.web.shown_status import BLOCK_LOG, EXEMPTION, PUBLISH, STATUS, UPSTREAM

SHARED = messages("en")
ENGLISH = SHARED["status_page"]

SOURCE = PolicySourceStatus(
    *("https://git.example/p.git", "stable", "1", "noc", 1.0, 2.0, 3.0, "refused"),
    "commit 2: refused: it has no signature",
)


TITLED = '[vlans.administration]\ntitle = "شبکهٔ ستاد"'


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> CompiledConfig:
    return engine(tmp_path_factory.mktemp("config")).compiled


def test_it_shows_the_counts_by_vlan_and_service(compiled: CompiledConfig) -> None:
    html = page(STATUS, compiled, "en")
    assert html.index("administration (10)") < html.index("1,234</td>") < html.index("617</td>")
    assert SHARED["other_names"] in html
    folded = html.partition('<details id="idle">')[2].partition("</details>")[0]
    assert "VLANs without queries: 1" in folded
    assert "publicity" in folded
    assert "administration" not in folded
    assert '<rect width="100.00" height="1" class="blocked"/>' in html
    assert '<rect width="50.00" height="1" class="would_block"/>' in html
    assert "<bdi>4,707</bdi>" in html, "all queries"
    assert "26.2% of all queries" in html
    assert "<bdi>75.0%</bdi>" in html, "answered without an upstream"
    assert "<bdi>7</bdi>" in html, "of unknown clients"


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ["answered by the national filter", "not this network&#39;s policy"]),
        ("fa", ["پاسخ از پالایش ملی", "نه از خط‌مشی این شبکه"]),
    ],
)
def test_it_shows_what_the_national_filter_answers_where_there_is_any(
    compiled: CompiledConfig, language: str, words: list[str]
) -> None:
    outcomes = {"passed": 50, "national_filter": 4321}
    some = VlanCounts("publicity", 20, "publicity", Mode.ENFORCE, 4371, outcomes, ())
    html = page(replace(STATUS, vlans=(some,)), compiled, language)
    without = page(STATUS, compiled, language)
    number = Formatting(language, TEHRAN).number(4321)
    of_all, of_vlan = html.count(f"<bdi>{number}</bdi>"), html.count(f">{number}</td>")
    assert (of_all, of_vlan) == (1, 1)
    for word in words:
        assert word in html.lower()
        assert word not in without.lower()


def test_it_shows_policies_and_directives(compiled: CompiledConfig) -> None:
    html = page(STATUS, compiled, "en")
    assert "@messenger" in html
    assert "games.example" in html
    assert "18 February 2015 (29 Bahman 1393)" in html
    assert "(narrows the ban of <bdi>1595/الف/م</bdi>)" in html
    assert SHARED["audit"] in html


@pytest.mark.parametrize(
    ("vlan", "prefixes", "whom"),
    [
        ("trial", (), "<bdi>trial</bdi>"),
        (None, ("10.10.3.7/32", "fd00:10::7/128"), "some clients of <bdi>administration</bdi>"),
        (None, ("10.0.0.0/8",), "some clients of <bdi>administration, publicity, trial</bdi>"),
    ],
)
def test_it_shows_services_vlan_and_end_of_an_exemption(
    compiled: CompiledConfig, vlan: str | None, prefixes: tuple[str, ...], whom: str
) -> None:
    status = replace(STATUS, exemptions=(replace(EXEMPTION, vlan=vlan, prefixes=prefixes),))
    html = page(status, compiled, "en").partition('id="exemptions"')[2]
    shown = html.partition("</section>")[0]
    assert shown.index("<bdi>one</bdi>") < shown.index(whom) < shown.index("29 April 2027")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("state", ["in force", "not now", "ends soon", "ended"])
def test_it_does_not_show_whom_an_exemption_is_for_nor_who_approved_it(
    compiled: CompiledConfig, state: str, language: str
) -> None:
    private = ("secret-id", "10.10.99.9", "secret approver", "secret ticket", "secret reason")
    id_, client, approver, ticket, reason = private
    quoted = " ".join(private)
    status = replace(
        STATUS,
        config_ok=False,
        last_reload=LastReload(NOW, "invalid", "uid 0", (quoted,)),
        publish=replace(PUBLISH, left_out=(quoted,)),
        policy_source=replace(SOURCE, problem=quoted),
        exemptions=(
            ExemptionStatus(
                *(id_, None, (f"{client}/32",), ("one",), NOW + 1, approver, ticket, reason),
                state=state,
            ),
        ),
    )
    html = page(status, compiled, language)
    assert [text for text in private if text in html] == []


@pytest.mark.parametrize(
    ("reviewed", "told"),
    [("", "–"), ("2027-01-15", "today"), ("2027-01-01", "14 d ago"), ("2027-02-01", "today")],
)
def test_it_shows_how_old_a_list_is(compiled: CompiledConfig, reviewed: str, told: str) -> None:
    (one,) = STATUS.lists
    noon = dt.datetime(2027, 1, 15, 12).astimezone().timestamp()
    status = replace(STATUS, at=noon, lists=(replace(one, reviewed=reviewed),))
    lists = page(status, compiled, "en").partition('id="lists"')[2]
    assert told in lists.partition("</section>")[0]


def test_it_shows_how_old_a_fetched_list_is(compiled: CompiledConfig) -> None:
    assert ENGLISH["fetched"] not in page(STATUS, compiled, "en")
    fetched = (FetchedStatus("ads", NOW - 7200, 3), FetchedStatus("late", None, 17))
    html = page(replace(STATUS, fetched=fetched), compiled, "en")
    lists = html.partition('id="lists"')[2].partition("</section>")[0]
    rows = lists.partition(ENGLISH["fetched"])[2]
    assert rows.index("ads") < rows.index("2 h ago") < rows.index(">3<") < rows.index("late")
    assert ENGLISH["never"] in rows.partition("late")[2]
    persian = page(replace(STATUS, fetched=fetched), compiled, "fa")
    assert "۲ ساعت پیش" in persian
    assert ENGLISH["held"] not in rows
    held = (replace(fetched[0], held=True),)
    assert ENGLISH["held"] in page(replace(STATUS, fetched=held), compiled, "en")


def test_it_shows_at_which_upstream_the_national_filter_is_seen(compiled: CompiledConfig) -> None:
    plain = page(STATUS, compiled, "en").partition('id="upstreams"')[2]
    upstreams = (
        replace(UPSTREAM, filtered=40, filtered_twice=37),
        replace(UPSTREAM, name="192.0.2.54:53", differing=20),
    )
    html = page(replace(STATUS, upstreams=upstreams), compiled, "en")
    rows = html.partition('id="upstreams"')[2].partition("</section>")[0]
    for head in ("filtered", "differing"):
        assert ENGLISH[head] in rows
        assert ENGLISH[head] not in plain.partition("</section>")[0]
    first, _, second = rows.partition("192.0.2.54:53")
    assert "40, 37 twice</td>" in first
    assert ">20</td>" in second
    assert "۳۷ با دو پاسخ" in page(replace(STATUS, upstreams=upstreams), compiled, "fa")


def test_the_page_in_persian(compiled: CompiledConfig) -> None:
    html = page(STATUS, compiled, "fa")
    assert '<html lang="fa" dir="rtl">' in html
    assert "۱٬۲۳۴</td>" in html
    assert "۲۹ بهمن ۱۳۹۳ (۱۸ فوریهٔ ۲۰۱۵)" in html
    assert messages("fa")["status_page"]["healthy"] in html


def test_the_page_has_the_titles_of_its_language(tmp_path: Path) -> None:
    compiled = engine(tmp_path, change=("[vlans.administration]", TITLED)).compiled
    fault = replace(STATUS, exemptions=(replace(EXEMPTION, state="ended"),))
    persian, english = (page(fault, compiled, text) for text in ("fa", "en"))
    assert "<b><bdi>شبکهٔ ستاد (۱۰)</bdi>" in persian
    assert "<bdi>administration</bdi> ·" in persian
    assert "<b><bdi>administration (10)</bdi>" in english
    assert "شبکهٔ ستاد" not in english
    assert "<bdi>یک</bdi>" in persian.partition('id="blocks"')[2]
    assert "معافیت <bdi>یک</bdi>" in persian
    assert "<bdi>پیام‌رسان‌ها</bdi>" in persian
    assert "<bdi>@messenger</bdi>" in english
    assert messages("fa")["answers"]["sinkhole"] in persian


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (replace(STATUS, config_ok=False), "The config file is not in force. Run darban check"),
        (
            replace(
                STATUS,
                config_ok=False,
                last_reload=LastReload(NOW, "invalid", "SIGHUP", ("config.toml:7: <wrong>",)),
            ),
            "The config file is not in force. Run darban check to see why.</li>",
        ),
        (replace(STATUS, clock_synchronised=False), "The clock is not synchronised"),
        (replace(STATUS, not_ready="draining"), "The node is draining"),
        (replace(STATUS, workers=1), "Only 1 of 2 workers are running."),
        (
            replace(STATUS, upstreams=(replace(UPSTREAM, up=False),)),
            "Upstream <bdi>192.0.2.53:53</bdi> does not answer.",
        ),
        (
            replace(STATUS, block_log=replace(BLOCK_LOG, problem="No space left on device")),
            "The block log cannot be written. Run darban status to see why.",
        ),
        (
            replace(STATUS, policy_source=SOURCE),
            "the one in force stays. Run darban status to see why.",
        ),
        (
            replace(STATUS, publish=replace(PUBLISH, problem="No space left on device")),
            "other resolvers enforce what was in force before. Run darban status to see why.",
        ),
        (
            replace(STATUS, publish=replace(PUBLISH, zones=(ZoneStatus("a.rpz", 8, 7),))),
            "<bdi>127.0.0.1:8053</bdi> does not serve 1 zones as they were written.",
        ),
        (
            replace(STATUS, exemptions=(replace(EXEMPTION, state="ended"),)),
            "An exemption for <bdi>one</bdi> ended on",
        ),
    ],
)
def test_what_needs_attention_is_shown_first(
    compiled: CompiledConfig, status: Status, told: str
) -> None:
    good, html = (page(item, compiled, "en") for item in (STATUS, status))
    assert ENGLISH["healthy"] in good
    assert ENGLISH["unhealthy"] not in good
    assert ENGLISH["healthy"] not in html
    assert html.index(ENGLISH["unhealthy"]) < html.index(told) < html.index('class="figures"')


def test_what_ends_soon_is_apart_from_what_is_wrong(compiled: CompiledConfig) -> None:
    soon = replace(STATUS, exemptions=(replace(EXEMPTION, state="ends soon"),))
    good = page(soon, compiled, "en")
    bad = page(replace(soon, config_ok=False), compiled, "en")
    ends = f"<b>{ENGLISH['coming']}</b>", "An exemption for <bdi>one</bdi> ends on"
    for html, state in ((good, ENGLISH["healthy"]), (bad, ENGLISH["unhealthy"])):
        places = [html.index(item) for item in (state, *ends, 'class="figures"')]
        assert places == sorted(places)
    assert ENGLISH["unhealthy"] not in good
    assert ENGLISH["coming"] not in page(STATUS, compiled, "en")


def test_a_check_of_the_config_is_not_advised_where_a_full_disk_is_the_reason(
    compiled: CompiledConfig,
) -> None:
    last = LastReload(NOW, "failed", "SIGHUP", ("/s: no space",))
    status = replace(STATUS, config_ok=False, config_failure="/s: no space", last_reload=last)
    html = page(status, compiled, "en")
    assert "The config file is not in force. Run darban status to see why." in html
    assert "/s: no space" not in html.partition('id="live-figures"')[0]
    assert "Run darban check" not in html


def test_a_server_that_has_just_started_has_a_page(compiled: CompiledConfig) -> None:
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
    for language in LANGUAGES:
        assert page(nothing, compiled, language)


def _status_of(text: str) -> Status:
    """A status with a text in every field that comes from a config, a list or a system."""
    counts = (ServiceCount(text, "blocked", 5),)
    exemption = replace(EXEMPTION, id=text, state="ended", vlan=text, services=(text,))
    return replace(
        STATUS,
        version=text,
        config=text,
        hash=text,
        policy_hash=text,
        config_ok=False,
        last_reload=LastReload(NOW, "invalid", text, (text,)),
        vlans=(VlanCounts(text, 1, text, Mode.ENFORCE, 5, {"blocked": 5}, counts),),
        upstreams=(replace(UPSTREAM, name=text, up=False),),
        lists=(replace(STATUS.lists[0], service=text, category=text),),
        fetched=(FetchedStatus(text, None, 1),),
        exemptions=(replace(exemption, approver=text, ticket=text),),
        block_log=replace(BLOCK_LOG, file=text, problem=text),
    )


@given(HOSTILE)
def test_hostile_values_stay_text(compiled: CompiledConfig, hostile: str) -> None:
    parsed = Parsed(page(_status_of(hostile), compiled, "en"))
    harmless = page(_status_of("harmless"), compiled, "en")
    assert parsed.tags == Parsed(harmless).tags
    assert hostile in parsed.text


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_names_the_node_the_policy_and_who_has_changed_it(
    compiled: CompiledConfig, language: str
) -> None:
    text = messages(language)["status_page"]
    change = ConfigChange(NOW - 60, "exempt --end", "uid 1000 (ali) as uid 0 (root)", 0, 9)
    status = replace(STATUS, node="ns1.agency.example", changes=(change,))
    html = page(status, compiled, language)
    assert f"<title>{text['title']}: ns1.agency.example</title>" in html
    assert '<span class="node"><bdi>ns1.agency.example</bdi></span></h1>' in html
    assert f"<dt>{text['policy_hash']}</dt>" in html
    assert STATUS.policy_hash in html
    changes = Parsed(html.partition('id="live-changes"')[2].partition("</section>")[0]).text
    assert Formatting(language, TEHRAN).plain_moment(change.at) in changes
    assert text["events"]["exempt"] in changes
    assert change.who in changes
    assert {"en": "+0 −9", "fa": "+۰ −۹"}[language] in changes
    assert text["no_changes"] in page(STATUS, compiled, language)


def test_it_shows_the_hours_of_a_policy_and_of_an_exemption(tmp_path: Path) -> None:
    hourly = engine(tmp_path, change=HOURLY).compiled
    change = NOW + 7200
    office = HoursStatus("office", "fri 07:30-14:30 Asia/Tehran", hold=True, changes=change)
    later = replace(EXEMPTION, begins=NOW + 3600, hours="office", state="not now")
    status = replace(STATUS, hours=(office,), exemptions=(later,))
    for language in LANGUAGES:
        html, text = page(status, hourly, language), messages(language)
        moment = Formatting(language, TEHRAN).moment
        office_hours = "<bdi>office</bdi>"
        policies = html.partition('id="policies"')[2].partition("</section>")[0]
        assert f'(1) <span class="soft">{text["within"].format(hours=Markup(office_hours))}' in (
            policies.replace("۱", "1")
        )
        assert f"{text['outside'].format(hours=Markup(office_hours))}</span>" in policies
        assert text["status_page"]["now"].format(change=moment(change)) in policies
        week = {"en": "Friday, 07:30 to 14:30", "fa": "جمعه، ۰۷:۳۰ تا ۱۴:۳۰"}[language]
        holiday = {"en": ", but not on 20 March 2027", "fa": "، به‌جز ۲۹ اسفند ۱۴۰۵"}[language]
        assert f"{week} (Asia/Tehran){holiday}" in Parsed(policies).text
        exemptions = html.partition('id="exemptions"')[2].partition("</section>")[0]
        assert text["from"].format(begin=moment(NOW + 3600)) in exemptions
        assert text["within"].format(hours=Markup(office_hours)) in exemptions


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_shows_what_an_allow_list_has_and_that_all_else_is_blocked(
    tmp_path: Path, language: str
) -> None:
    text, one = messages(language), Formatting(language).number(1)
    comma = text["comma"]
    messengers = {"fa": "پیام‌رسان‌ها", "en": "@messenger"}[language]
    html = page(STATUS, engine(tmp_path, change=ALLOWING).compiled, language)
    publicity = html.partition("<h3><bdi>publicity</bdi>")[2].partition("</dl>")[0]
    allowed, _, blocked = publicity.partition(
        f"<dt>{text['status_page']['restricts']['block']}</dt>"
    )
    assert f"{text['allowed']}agency.example{comma}{messengers} ({one})" in Parsed(allowed).text
    assert Parsed(blocked).text.startswith(f"games.agency.example{comma}{text['all_others']}")
