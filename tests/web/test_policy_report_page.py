"""The report: all that applies to each VLAN, as a value, as text and as a page to print."""

import html
import re
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from markupsafe import Markup

from resolver.analysis.expectations import ExpectationRun
from resolver.audit.policy_report import Report, make_report
from resolver.compiler.compilation import compile_file
from resolver.metrics.status import ServiceCount, VlanCounts
from resolver.policy.clauses import Action, Mode
from resolver.policy.compiled import CompiledConfig
from resolver.policy.index import Index
from resolver.policy.service_hours import BlockingHours
from resolver.web import policy_report_page
from resolver.web.formatting import Formatting
from resolver.web.rendering import LANGUAGES, messages
from tests.audit.time_zone import TEHRAN
from tests.live.programs import needed
from tests.metrics.statuses import idle
from tests.web.reported_policy import CONFIG, LISTS, NOW

ENGLISH = messages("en")["policy_report"]
COUNTS = VlanCounts(
    "administration",
    10,
    "administrative",
    Mode.ENFORCE,
    1234,
    {"blocked": 1200, "passed": 31, "exempted": 3},
    (ServiceCount("one", "blocked", 1200), ServiceCount("one", "exempted", 3)),
)
STATUS = replace(
    idle(NOW),
    vlans=(COUNTS, VlanCounts("unknown", None, "", "", 7, {"refused": 7}, ())),
)


Made = tuple[Report, CompiledConfig]
"""A report, and the policy that it is about."""


@pytest.fixture(scope="module")
def made_of(tmp_path_factory: pytest.TempPathFactory) -> Made:
    directory = tmp_path_factory.mktemp("config")
    (directory / "lists").mkdir()
    for name, text in LISTS.items():
        (directory / "lists" / f"{name}.txt").write_text(text, encoding="utf-8")
    path = directory / "config.toml"
    path.write_text(CONFIG, encoding="utf-8")
    result = compile_file(path, NOW)
    assert result.errors == []
    compiled = result.snapshot.compiled
    index = Index(result.snapshot.trie, result.snapshot.rules)
    judged = list(ExpectationRun(result.loaded, compiled, index, NOW).results())
    return make_report("config.toml", NOW, compiled, judged, STATUS), compiled


@pytest.fixture
def made(made_of: Made) -> Report:
    return made_of[0]


@pytest.fixture
def page(made_of: Made) -> "PageOf":
    """Renders the page of a report in a language."""
    return lambda report, language: policy_report_page.page(report, made_of[1], language)


PageOf = Callable[[Report, str], str]


def test_each_vlan_has_all_that_applies_to_it(made: Report) -> None:
    administration, publicity = made.vlans
    assert (administration.id, administration.policy, administration.mode) == (
        *(10, "administrative"),
        "enforce",
    )
    assert administration.prefixes == ("10.10.0.0/16", "fd00:10::/64")
    assert [(d.number, d.covers, d.narrows) for d in administration.directives] == [
        ("1595/الف/م", ("@messenger",), ""),
        ("95/3525", (), "1595/الف/م"),
    ]
    assert [(s.name, s.directive) for s in administration.services] == [
        ("around", ""),
        ("one", "1595/الف/م"),
    ]
    assert (administration.denied, administration.allowed) == (
        ("games.example",),
        ("status.one.example",),
    )
    assert [(e.id, e.state) for e in administration.exemptions] == [("pr-1", "in force")]
    assert [(e.id, e.state) for e in publicity.exemptions] == [("fair", "ended")]
    assert publicity.services == ()
    assert administration.counts.outcomes == COUNTS.outcomes
    assert administration.counts.services == (ServiceCount("one", "blocked", 1200),), "few exempted"
    assert publicity.counts.queries == 0
    assert made.refused == 7


def test_what_a_policy_under_audit_would_block_is_only_counted(made: Report, page: PageOf) -> None:
    audited = replace(made.vlans[0], mode=Mode.AUDIT, default=Action.BLOCK)
    whole = page(replace(made, vlans=(audited,)), "en")
    assert re.search(r"games\.example</bdi> <span class=\"soft\">only counted</span>", whole)
    assert "all other names, except this network’s own, only counted" in whole
    enforced = page(replace(made, vlans=(replace(audited, mode=Mode.ENFORCE),)), "en")
    assert "only counted" not in enforced


def test_expectations_are_told_with_what_came_of_them(made: Report) -> None:
    told = [(e.client, e.got, e.service, e.holds) for e in made.vlans[0].expectations]
    assert told == [
        ("10.10.0.5", "blocked", "one", True),
        ("10.10.3.7", "exempted", "one", False),
        ("10.10.3.7", "blocked", "one", True),
    ]
    assert [(e.client, e.got, e.holds) for e in made.unassigned_clients] == [
        ("192.0.2.1", "refused", True)
    ]
    assert made.failed == 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_has_it_all_and_nothing_from_elsewhere(
    made: Report, page: PageOf, language: str
) -> None:
    whole = page(made, language)
    assert f'<html lang="{language}" dir="{"rtl" if language == "fa" else "ltr"}">' in whole
    assert "@media print" in whole
    assert not re.search(r"""(src|href|url|@import|http-equiv)\s*[=(:]""", whole)
    assert "<script" not in whole
    assert html.escape("</td><script>alert(1)</script>", quote=False) in whole
    assert "&lt;b&gt;روابط عمومی&lt;/b&gt;" in whole
    assert ("One &amp; &lt;Only&gt;" in whole) is (language == "en")
    number = "1,234" if language == "en" else "۱٬۲۳۴"
    assert f'<td class="figures-of">{number}</td>' in whole
    assert whole.count('class="fails bad"') == 1
    assert messages(language)["policy_report"]["without_exemptions"] in whole


def test_the_page_has_the_titles_of_its_language(made: Report, page: PageOf) -> None:
    persian, english = page(made, "fa"), page(made, "en")
    assert "VLAN <bdi>شبکهٔ ستاد</bdi>" in persian
    assert "<td><bdi>امور اداری</bdi></td>" in persian
    assert "VLAN <bdi>publicity</bdi>" in persian
    assert "VLAN <bdi>administration</bdi>" in english
    assert "<td><bdi>administrative</bdi></td>" in english
    assert '<bdi>یک</bdi> <span class="soft"><bdi>one</bdi></span>' in persian
    assert "<td><bdi>پیام‌رسان‌ها</bdi></td>" in persian
    assert "@messenger" not in persian
    assert "<bdi>@messenger</bdi>" in english
    assert messages("fa")["answers"]["sinkhole"] in persian


def test_dates_are_in_both_calendars(made: Report, page: PageOf) -> None:
    persian, english = page(made, "fa"), page(made, "en")
    assert "۲۹ بهمن ۱۳۹۳ (۱۸ فوریهٔ ۲۰۱۵)" in persian
    assert "11 March 2017 (21 Esfand 1395)" in english
    assert "ممنوعیت بخشنامهٔ <bdi>۱۵۹۵/الف/م</bdi> را محدود می‌کند" in persian
    assert "20 March 2027 (29 Esfand 1405)" in english


def test_with_another_config_it_says_so(made: Report, page: PageOf) -> None:
    other = replace(made, config_differs=True, expectations_run=False)
    assert "differs from the policy in force" in page(other, "en")
    assert ENGLISH["not_run"] in page(other, "en")
    assert "Expectations, run on" not in page(other, "en")


@pytest.mark.processes
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_is_valid(made: Report, page: PageOf, language: str, tmp_path: Path) -> None:
    tidy = needed("tidy")
    file = tmp_path / "report.html"
    file.write_text(page(made, language), encoding="utf-8")
    done = subprocess.run(
        [tidy, "-q", "-e", "-utf8", file], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_hours_are_on_the_page(made: Report, page: PageOf) -> None:
    administration, publicity = made.vlans
    around, one = administration.services
    within, outside = BlockingHours("office"), BlockingHours("night", outside=True)
    services = (replace(around, hours=(within,)), replace(one, hours=(within, outside)))
    (exemption,) = administration.exemptions
    later = replace(exemption, begins=NOW + 86400, hours="office", state="not now")
    results = (replace(administration.expectations[0], hours="office"),)
    hourly = replace(administration, services=services, exemptions=(later,), expectations=results)
    report = replace(made, vlans=(hourly, publicity))
    for language in LANGUAGES:
        shown, shared = page(report, language), messages(language)
        office = shared["within"].format(hours=Markup("<bdi>office</bdi>"))
        night = shared["outside"].format(hours=Markup("<bdi>night</bdi>"))
        assert f"{office}{shared['comma']}{night}</span>" in shown
        assert f"({office})" in shown
        moment = Formatting(language, TEHRAN).both_moments(later.begins)
        assert shared["from"].format(begin=moment) in shown


def test_a_default_that_blocks_is_named_in_words(made: Report, page: PageOf) -> None:
    administration, publicity = made.vlans
    report = replace(made, vlans=(administration, replace(publicity, default=Action.BLOCK)))
    for language in LANGUAGES:
        rest = messages(language)["all_others"]
        assert (rest in page(report, language), rest in page(made, language)) == (True, False)
