"""The pages that are made from the program are as the program is now."""

import runpy

import pytest

from tests.documents.pages import DOCS

MADE = runpy.run_path(str(DOCS / "make_reference.py"))
PAGES = MADE["PAGES"]


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_what_the_program_says(page: str) -> None:
    shown = (DOCS / page).read_text(encoding="utf-8")
    assert shown == PAGES[page](), "make reference"


def test_the_schema_of_a_config_is_what_the_program_says() -> None:
    assert MADE["SCHEMA"].read_text(encoding="utf-8") == MADE["schema"](), "make reference"
