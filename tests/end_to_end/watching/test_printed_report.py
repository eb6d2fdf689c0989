"""The report of a month as Chromium prints it: one page of a summary, and numbered pages."""

import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from resolver.audit.period_values import PeriodReport
from resolver.system import solar_hijri
from resolver.web import period_report_page
from resolver.web.period_report_page import ReportDetail
from resolver.web.rendering import LANGUAGES
from resolver.web.titles import Titles
from tests.audit import test_period_report as months
from tests.audit.time_zone import TEHRAN
from tests.live.chromium import Browser, chromium
from tests.live.programs import needed
from tests.policy.networks import snapshot_of

ABAN, MEHR, HOUR, DAY = months.ABAN, months.MEHR, months.HOUR, months.DAY
VLANS = [f"directorate-{number}" for number in range(40)]
SERVICES = [f"messenger-{number}" for number in range(70)]
WHO = "uid 1000 (ali) as uid 0 (root)"

PagesOf = Callable[[str, ReportDetail], list[str]]


@pytest.fixture(scope="module")
def crowded() -> PeriodReport:
    """A month of a pair with more of all than a page holds."""
    rows = [
        (begin + day * DAY, vlan, service, "blocked", 100 + day)
        for begin in (MEHR.begin, ABAN.begin)
        for day in range(30)
        for vlan, service in zip(VLANS, SERVICES, strict=False)
    ]
    exemptions = [
        replace(
            months.EXEMPTION,
            id=f"pr-{number}",
            prefixes=tuple(f"10.{number}.{place}.0/24" for place in range(30)),
            services=tuple(SERVICES),
            approver="مدیر کل روابط عمومی و اطلاع‌رسانی",
        )
        for number in range(12)
    ]
    log = [months.record(MEHR.begin)]
    log += [
        months.record(
            ABAN.begin + number * HOUR, diff="-a\n+b\n", who=WHO, exemptions=exemptions[:number]
        )
        for number in range(1, 12)
    ]
    served = months.minutes(MEHR.begin, ABAN.begin + 5 * DAY)
    return months.made(
        months.figures("ns1.agency.example", *months.counted(*rows), served=served),
        months.figures("ns2.agency.example", served=months.minutes(MEHR.begin, ABAN.end - HOUR)),
        log=log,
    )


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    profile = tmp_path_factory.mktemp("chromium") / "profile"
    with chromium(needed("chromium"), profile) as it:
        yield it


@pytest.fixture
def pages_of(crowded: PeriodReport, browser: Browser, tmp_path: Path) -> PagesOf:
    """Gives the text of each printed page."""

    def pages(language: str, detail: ReportDetail) -> list[str]:
        file, printed = tmp_path / "report.html", tmp_path / "report.pdf"
        titles = Titles(snapshot_of().compiled, language)
        html = period_report_page.page(crowded, titles, language, TEHRAN, "", detail)
        file.write_text(html, encoding="utf-8")
        opened = browser.open(file.as_uri())
        printed.write_bytes(opened.pdf())
        opened.close()
        command = (needed("pdftotext"), "-layout", printed, "-")
        text: str = subprocess.check_output(command, text=True)
        return [page.strip() for page in text.split("\f")[:-1]]

    return pages


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_summary_is_one_page(pages_of: PagesOf, language: str) -> None:
    [page] = pages_of(language, ReportDetail.SUMMARY)
    assert "ns1.agency.example" in page
    assert "ns2.agency.example" in page
    assert page.count("uid 1000 (ali)") == 4


def test_pages_are_numbered(pages_of: PagesOf) -> None:
    english = pages_of("en", ReportDetail.USUAL)
    assert len(english) > 1
    for number, page in enumerate(english, 1):
        assert "".join(page.splitlines()[-1].split()) == f"{number}/{len(english)}"


def test_persian_pages_are_numbered_in_persian(pages_of: PagesOf) -> None:
    persian = pages_of("fa", ReportDetail.USUAL)
    for number, page in enumerate(persian, 1):
        last = page.splitlines()[-1]
        assert solar_hijri.digits(str(number)) in last
        assert solar_hijri.digits(str(len(persian))) in last
