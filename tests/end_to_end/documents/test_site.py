"""The site of the documents: built without a warning, and looked at in a real browser."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live import site
from tests.live.accessibility import axe, faults
from tests.live.chromium import Browser, chromium

WIDE, PHONE = (1440, 1000), (390, 844)
VIEWS = [
    pytest.param("docs/README", WIDE, False, "en", id="contents-wide-light-en"),
    pytest.param("docs/tutorial/agency", PHONE, True, "en", id="tutorial-phone-dark-en"),
    pytest.param("docs/how-to/move", PHONE, False, "en", id="move-phone-light-en"),
    pytest.param("docs/reference/metrics", WIDE, True, "en", id="metrics-wide-dark-en"),
    pytest.param("docs/fa/README", PHONE, False, "fa", id="contents-phone-light-fa"),
    pytest.param("docs/fa/tutorial", WIDE, True, "fa", id="tutorial-wide-dark-fa"),
    pytest.param("docs/fa/exempt", PHONE, False, "fa", id="exempt-phone-light-fa"),
    pytest.param("docs/fa/runbook", PHONE, True, "fa", id="runbook-phone-dark-fa"),
    pytest.param("search", PHONE, False, "en", id="search-phone-light-en"),
]


@pytest.fixture(scope="module")
def pages() -> Path:
    return site.build()


@pytest.fixture(scope="module")
def browser(
    chromium_program: Path,
    persian_font: None,  # noqa: ARG001 - the pictures need it
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Browser]:
    with chromium(chromium_program, tmp_path_factory.mktemp("chromium") / "profile") as it:
        yield it


def test_every_link_within_the_site_leads_somewhere(pages: Path) -> None:
    wrong = []
    for page in pages.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        for target in re.findall(r'(?:href|src)="([^"#:?]+)[#?"]', text):
            if not (page.parent / target).exists():
                wrong.append(f"{page.relative_to(pages)}: {target}")
    assert wrong == []


@pytest.mark.parametrize(("name", "size", "dark", "language"), VIEWS)
def test_the_looks_of_a_page(
    pages: Path, browser: Browser, name: str, size: tuple[int, int], language: str, *, dark: bool
) -> None:
    page = browser.open((pages / f"{name}.html").as_uri(), size=size, dark=dark, language=language)
    assert page.error == ""
    side = "rtl" if language == "fa" else "ltr"
    root = "document.documentElement"
    assert page.evaluate(f"[{root}.lang, {root}.dir]") == [language, side]
    assert not page.is_wider_than_its_window()
    assert faults(page, axe()) == []
    page.close()
