"""The page of a month: what is on it, in both languages, and that it loads nothing."""

import re
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from markupsafe import Markup

from resolver.analysis.activation_summary import ActivationSummary, ChangedList, ChangedNames
from resolver.audit.block_log_retention import BlockLogDays
from resolver.audit.coverage import NO_RECORD, NOT_SERVING, Interval
from resolver.audit.period_values import (
    AroundDns,
    Coverage,
    LinkCut,
    ListAge,
    PeriodReport,
    Verification,
)
from resolver.compiler.compilation import compile_file
from resolver.web import period_report_page
from resolver.web.formatting import Formatting
from resolver.web.period_report_page import ReportDetail
from resolver.web.rendering import LANGUAGES, messages
from resolver.web.titles import Titles
from tests.audit import test_period_report as months
from tests.audit.time_zone import TEHRAN
from tests.live.programs import needed
from tests.web.reported_policy import CONFIG, LISTS, NOW

ABAN, MEHR, HOUR = months.ABAN, months.MEHR, months.HOUR
HOSTILE = "</td><script>alert(1)</script>"
PNG = "data:image/png;base64,iVBORw0KGgo="

PageOf = Callable[..., str]


SUMMARY = ActivationSummary(
    names=(
        ChangedNames(
            *("looser", "one", "blocked", "passed", ("administration",), 40),
            *(("office",), 2, ("t.me", "*.t.me")),
        ),
    ),
    lists=(ChangedList("one", "lists/one.txt", 1, 0, ("-||t.me^",)),),
    moved_prefixes=("10.9.0.0/16",),
    left_out=3,
)


@pytest.fixture(scope="module")
def report() -> PeriodReport:
    counts = months.counted(
        (ABAN.begin, "administration", "one", "blocked", 1234),
        (ABAN.begin + 40 * HOUR, "administration", "one", "blocked", 1),
        (ABAN.begin, "administration", "", "passed", 8765),
        (ABAN.begin, "publicity", "one", "would_block", 77),
        (MEHR.begin, "administration", "one", "blocked", 1000),
        (MEHR.begin, "unknown", "", "refused", 3),
    )
    served = (
        *months.minutes(MEHR.begin, MEHR.end),
        *months.minutes(ABAN.begin, ABAN.end - HOUR),
    )
    log = [
        months.record(MEHR.begin),
        months.record(
            ABAN.begin + HOUR,
            diff=f"--- a\n+++ b\n-block = []\n+{HOSTILE}\n",
            who="uid 1000 (ali) as uid 0 (root)",
            exemptions=(replace(months.EXEMPTION, reason=HOSTILE),),
        ),
        months.record(ABAN.begin + 2 * HOUR, "lists"),
        months.record(ABAN.begin + 3 * HOUR, "lists", summary=SUMMARY),
    ]
    made = months.made(
        months.figures("ns1", *counts, served=served),
        months.figures("ns2", served=months.minutes(MEHR.begin, ABAN.end)),
        log=log,
    )
    return replace(
        made,
        lists=(
            ListAge("one", "messenger", 1, "2026-10-01"),
            ListAge("around", "encrypted-dns", 1, ""),
        ),
    )


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory, report: PeriodReport) -> PageOf:
    directory = tmp_path_factory.mktemp("config")
    (directory / "lists").mkdir()
    for name, text in LISTS.items():
        (directory / "lists" / f"{name}.txt").write_text(text, encoding="utf-8")
    path = directory / "config.toml"
    path.write_text(CONFIG, encoding="utf-8")
    compiled = compile_file(path, NOW).snapshot.compiled

    def page(
        language: str, logo: str = "", detail: ReportDetail = ReportDetail.FULL, **changed: object
    ) -> str:
        shown = replace(report, **changed)  # type: ignore[arg-type]
        titles = Titles(compiled, language)
        return period_report_page.page(shown, titles, language, TEHRAN, logo, detail)

    return page


def nothing(coverage: Coverage) -> Coverage:
    """The same period without a record."""
    begin, end = ABAN.begin, ABAN.begin + coverage.seconds
    return replace(coverage, gaps=(Interval(begin, end, "", NO_RECORD),))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_has_it_all_and_loads_nothing(page: PageOf, language: str) -> None:
    whole, text = page(language), messages(language)["period_report"]
    assert f'<html lang="{language}" dir="{"rtl" if language == "fa" else "ltr"}">' in whole
    assert not re.search(r"""(src|href|url|@import|http-equiv)\s*[=(:]""", whole)
    assert "<script" not in whole
    assert "&lt;script&gt;alert(1)" in whole
    assert {"fa": "<bdi>شبکهٔ ستاد</bdi>", "en": "<bdi>administration</bdi>"}[language] in whole
    assert "uid 1000 (ali) as uid 0 (root)" in whole
    assert "-block = []\n" in whole
    assert "Head of PR" in whole
    assert text["whys"]["no_record"] in whole
    assert text["findings_what"] in whole


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_a_list_has_opened_is_said_in_words(page: PageOf, language: str) -> None:
    whole, text = page(language), messages(language)["period_report"]
    opened = text["changed_names"]["opened"].partition("{")[0]
    number = {"en": "39", "fa": "۳۹"}[language]
    assert opened.strip() in whole
    assert text["more_vlans"].format(number=number) in whole
    assert "t.me, *.t.me" in whole
    assert "lists/one.txt" in whole
    assert text["names_note"] in whole
    assert text["names_note"] not in page(language, changes=())


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_goes_around_the_server_has_a_section_where_there_is_any(
    page: PageOf, language: str
) -> None:
    text = messages(language)["period_report"]
    shown = page(language, around=(AroundDns("unknown", 40961, 0),))
    assert text["around_what"] in shown
    assert {"en": "40,961", "fa": "۴۰٬۹۶۱"}[language] in shown
    assert text["around_what"] not in page(language, around=())


@pytest.mark.parametrize("language", LANGUAGES)
def test_several_nodes_have_a_table_by_node(
    page: PageOf, report: PeriodReport, language: str
) -> None:
    title = f"<h3>{messages(language)['period_report']['by_node']}</h3>"
    assert title in page(language)
    assert title not in page(language, nodes=report.nodes[:1])


def test_numbers_days_and_the_month_are_as_the_language_has_them(page: PageOf) -> None:
    persian, english = page("fa"), page("en")
    assert "گزارش آبان ۱۴۰۵" in persian
    assert "report of Aban 1405" in english
    for whole, number, change in ((persian, "۱٬۲۳۵", "+۲۴٪"), (english, "1,235", "+24%")):
        assert f'<div class="number">{number}</div>' in whole
        assert f'<bdi dir="ltr">{change}</bdi>' in whole
    assert "23 October 2026 (1 Aban 1405)" in english
    assert "<td>1 November 2026" not in english
    assert "21 November 2026, 23:00" in english


def test_the_picture_has_a_bar_a_day_and_a_line_of_the_period_before(
    page: PageOf, report: PeriodReport
) -> None:
    whole = page("en")
    assert len(re.findall('<rect class="blocked"', whole)) == len(report.days) == 30
    assert f'height="{100 * 1234 / (1234 + 77):.2f}"' in whole
    assert whole.count('<path d="M0 ') == 1
    assert '<path d="M0 ' not in page("en", coverage_before=nothing(report.coverage_before))


def test_what_is_not_known_is_said(page: PageOf, report: PeriodReport) -> None:
    text = messages("en")["period_report"]
    assert text["no_figures"] in page("en", coverage=nothing(report.coverage), counts=())
    short = page("en", audited=False, changes=())
    assert text["audit_log_short"] in short
    assert "The audit log has no change of the policy." in short
    assert text["audit_log_short"] not in page("en")
    assert text["no_changes"] in page("en", changes=())
    damaged = replace(report.nodes[0], damaged=("2026-10.sqlite: set aside",))
    assert "2026-10.sqlite: set aside" in page("en", nodes=(damaged,))
    alone = page("en", coverage_before=nothing(report.coverage_before))
    said = "Nothing is compared with the period before: 100.0% of this period is recorded, and 0.0%"
    assert said in alone
    assert "+24%" not in alone
    assert "The period has not ended" in page("en", period=replace(report.period, runs=True))
    assert "The clock of this node went back 2 times" in page("en", backdated=2)
    assert "since this period has not all of that part: 4." in page("en", left_out=4)


@pytest.mark.parametrize("language", LANGUAGES)
def test_whether_the_history_is_whole_is_said_with_its_head(page: PageOf, language: str) -> None:
    text, fmt = messages(language)["period_report"], Formatting(language, TEHRAN)
    assert text["no_history"] in page(language)
    whole = Verification("5f0c" * 16, float(MEHR.begin), ())
    said = page(language, verification=whole)
    assert text["whole"].format(since=fmt.moment(MEHR.begin)) in said
    assert text["head"].format(head=Markup(f"<bdi>{whole.head}</bdi>")) in said
    assert text["others_not_verified"] in said
    edited = page(language, verification=replace(whole, findings=("one", "two")))
    assert edited.count(text["not_whole"].format(number=fmt.number(2))) == 2
    assert text["whole"].format(since=fmt.moment(MEHR.begin)) not in edited
    unchecked = page(language, verification=replace(whole, unchecked=3))
    assert unchecked.count(text["not_checkable"].format(number=fmt.number(3))) == 2
    assert text["whole"].format(since=fmt.moment(MEHR.begin)) not in unchecked


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_end_of_an_exemption_is_when_it_ended(
    page: PageOf, report: PeriodReport, language: str
) -> None:
    text, fmt = messages(language)["period_report"], Formatting(language, TEHRAN)
    [whole] = report.exemptions
    until = fmt.plain_moment(whole.exemption.until)
    assert whole.ended_early
    early, end = page(language), fmt.plain_moment(whole.end)
    assert text["ended_early"].format(end=end, until=until) in early
    runs = page(language, exemptions=(replace(whole, ended_early=False),))
    over = replace(whole, end=whole.exemption.until, ended_early=False)
    assert f"<td>{until}</td>" in page(language, exemptions=(over,))
    assert text["planned"].format(until=until) in runs
    for other in (early, runs):
        assert f"<td>{until}</td>" not in other


def test_the_times_that_no_node_covered_are_said(page: PageOf, report: PeriodReport) -> None:
    text = messages("en")["period_report"]
    one_stood = page("en")
    assert text["always_one"] in one_stood
    assert "The figures have gaps" not in one_stood
    gaps = (
        Interval(ABAN.begin, ABAN.begin + HOUR, "", NO_RECORD),
        Interval(ABAN.begin + HOUR, ABAN.begin + 3 * HOUR, "", NOT_SERVING),
    )
    both = page("en", coverage=replace(report.coverage, gaps=gaps))
    assert "of 1 h no node has a record" in both
    assert f'<th scope="col">{text["no_node"]}</th>' in both
    assert text["always_one"] not in both
    alone = page("en", nodes=report.nodes[:1])
    assert text["no_node"] not in alone


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_times_of_a_cut_link_are_said(page: PageOf, language: str) -> None:
    text = messages(language)["period_report"]["link_cut"]
    cut = LinkCut("ns1", ABAN.begin, ABAN.begin + 2 * HOUR, 95, 1204)
    whole = page(language, cuts=(cut,))
    assert text in whole
    assert {"fa": "۱٬۲۰۴", "en": "1,204"}[language] in whole
    assert text not in page(language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_said_of_persons_is_true(page: PageOf, language: str) -> None:
    """The page names an exempted address and the queries of its VLAN."""
    whole = page(language)
    assert "10.10.3.7/32" in whole
    assert {"fa": "رقمی دربارهٔ یک شخص نیست", "en": "No figure is about"}[language] not in whole
    assert {"fa": "می‌تواند از یک شخص خبر دهد", "en": "can tell of a person"}[language] in whole


def test_a_part_of_the_workers_is_no_outage() -> None:
    assert messages("fa")["period_report"]["whys"]["not_serving"] == "برخی فرایندها پاسخ‌گو نبودند"


def test_the_days_of_the_block_log_are_said(page: PageOf) -> None:
    assert messages("en")["period_report"]["no_block_log"] in page("en")
    log = BlockLogDays("2026-10-24", "2026-11-01", ("2026-10-26", "2026-10-27"))
    whole = re.sub("<[^>]*>", "", page("en", block_log=log))
    assert "lines of 24 October 2026 (2 Aban 1405) to 1 November 2026" in whole
    assert "Days between without lines: 2." in whole


def test_the_certificate_has_each_policy_and_each_time(page: PageOf) -> None:
    whole, text = page("en"), messages("en")["period_report"]
    certificate = whole.partition(text["certificate"])[2].partition(text["counts"])[0]
    assert '<td>policy 1, <bdi>5c6f</bdi></td><td class="figures-of">29 d 23 h</td>' in certificate
    assert '<td class="figures-of">99.9%</td>' in certificate
    assert certificate.count(f"<td>{text['in_force_and_tested']}</td>") == 2
    assert certificate.count(f"<td>{text['whys']['no_record']}</td>") == 1


def test_name_and_logo_of_the_agency_are_at_the_head(page: PageOf) -> None:
    assert "<bdi>Agency</bdi>" in page("en")
    assert f'<img class="logo" src="{PNG}" alt="">' in page("en", PNG)


def test_the_first_sentence_says_where_the_policy_was_in_force(
    page: PageOf, report: PeriodReport
) -> None:
    one, two = report.nodes
    whole = replace(one, intervals=(Interval(ABAN.begin, ABAN.end, "5c6f", ""),))
    alone = sentence(page("en", nodes=(whole,)))
    assert alone.startswith("The policy was in force and tested on ns1 all month. 1,235 queries")
    assert sentence(page("en")).startswith(
        "The policy was in force and tested on both nodes (ns1, ns2) all month, except for 1 h on "
        "ns1 (no record). All nodes had the same policy, as far as it is recorded. At each moment"
    )
    runs = sentence(page("en", nodes=(whole, two), period=replace(report.period, runs=True)))
    assert "on both nodes (ns1, ns2) from the beginning of the period until now. All" in runs
    never = replace(one, intervals=(Interval(ABAN.begin, ABAN.end, "", NO_RECORD),))
    assert "tested on ns1 for 0.0% of the period. Not covered: 30 d on ns1 (no record). 1,235" in (
        sentence(page("en", nodes=(never,)))
    )
    other = replace(two, intervals=(Interval(ABAN.begin, ABAN.begin + HOUR, "other", ""),))
    differing = sentence(page("en", nodes=(whole, other)))
    assert "For 1 h together, not all nodes had the same policy." in differing
    assert "خط‌مشی در سراسر ماه در سرور ns1 برقرار و آزمایش‌شده بود." in sentence(
        page("fa", nodes=(whole,))
    )
    assert sentence(page("en", nodes=())).startswith("1,235 queries were blocked")


def sentence(html: str) -> str:
    """The text that the page begins with."""
    text = re.sub("<[^>]*>", "", html.partition('class="opening">')[2].partition("</div>")[0])
    return " ".join(text.split())


def test_many_exceptions_are_added_up(page: PageOf, report: PeriodReport) -> None:
    stood = Interval(ABAN.begin, ABAN.begin + HOUR, "5c6f", NOT_SERVING)
    rest = Interval(ABAN.begin + HOUR, ABAN.end, "5c6f", "")
    nodes = [replace(report.nodes[0], node=f"n{i}", intervals=(stood, rest)) for i in range(9)]
    said = sentence(page("en", nodes=tuple(nodes)))
    assert "tested on all 9 nodes all month, except for 1 h on n0 (not all workers served)" in said
    assert "1 h on n3 (not all workers served), and 5 more, 5 h together." in said


def test_a_node_of_the_pair_that_is_missing_is_named(page: PageOf) -> None:
    missing = "The figures of <bdi>ns2.agency.example</bdi>, which the config names in [pair]"
    assert missing in page("en", missing_nodes=("ns2.agency.example",))
    assert "in [pair]" not in page("en")


def test_changes_are_told_in_words(page: PageOf, report: PeriodReport) -> None:
    usual = page("en", detail=ReportDetail.USUAL)
    words = re.sub("<[^>]*>", "", usual)
    assert "Exemption pr-1 was given: telegram for 10.10.3.7/32 until 2 November 2026" in words
    assert "Lines of the config: 1 added, 1 removed." in words
    change = report.changes[0]
    [given] = change.exemptions
    later = replace(months.EXEMPTION, until=months.EXEMPTION.until + HOUR)
    for changed, said in (
        (given._replace(before=months.EXEMPTION, after=later), "Exemption pr-1 was changed"),
        (given._replace(before=months.EXEMPTION, after=None), "Exemption pr-1 was ended early"),
    ):
        event = "exempt --extend" if changed.after else "exempt --end"
        html = page("en", changes=(replace(change, event=event, exemptions=(changed,)),))
        assert said in re.sub("<[^>]*>", "", html)
        assert "Lines of the config" not in html


def test_the_hours_of_a_change_are_words(page: PageOf, report: PeriodReport) -> None:
    names = replace(SUMMARY.names[0], hours=("office", "no hours"))
    summary = replace(SUMMARY, names=(names,))
    changes = tuple(replace(change, summary=summary) for change in report.changes)
    for language, said in (
        ("en", "(within office, outside all hours)"),
        ("fa", "(در ساعات office، خارج از همهٔ ساعات)"),
    ):
        assert said in re.sub("<[^>]*>", "", page(language, changes=changes))


@pytest.mark.parametrize("language", LANGUAGES)
def test_hashes_diffs_and_ages_of_lists_are_in_the_full_page_alone(
    page: PageOf, language: str
) -> None:
    text = messages(language)["period_report"]
    verified = Verification("5f0c" * 16, float(MEHR.begin), ())
    for has in ("<pre", "5c6f", "5f0c" * 16, text["lists"]):
        for detail in ReportDetail:
            shown = page(language, detail=detail, verification=verified)
            assert (has in shown) is (detail is ReportDetail.FULL), (has, detail)
    summary = page(language, detail=ReportDetail.SUMMARY)
    assert text["by_vlan"] in summary
    assert text["certificate"] not in summary
    assert text["counts"] not in summary


@pytest.mark.processes
@pytest.mark.parametrize("detail", ReportDetail)
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_is_valid(
    page: PageOf, language: str, detail: ReportDetail, tmp_path: Path
) -> None:
    file = tmp_path / "month.html"
    file.write_text(page(language, PNG, detail), encoding="utf-8")
    command = (needed("tidy"), "-q", "-e", "-utf8", file)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
