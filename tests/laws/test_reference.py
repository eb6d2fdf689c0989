"""What is made from the program can be made, and what of it is committed is as the program is."""

import runpy
from pathlib import Path

import pytest

from tests.documents.pages import DOCS, ROOT
from tests.laws.links import broken_links

PROGRAM = runpy.run_path(str(DOCS / "make_reference.py"))
MADE = PROGRAM["MADE"]


def test_the_schema_of_a_config_is_what_the_program_says() -> None:
    assert PROGRAM["SCHEMA"].read_text(encoding="utf-8") == PROGRAM["schema"](), "make reference"


@pytest.mark.parametrize("path", MADE, ids=lambda path: path.name)
def test_a_page_is_made_with_links_that_lead_somewhere(path: Path) -> None:
    text = MADE[path]()
    assert text.count("\n| ") > 10
    assert broken_links(path, text) == []
    readme = (DOCS / "reference" / "README.md").read_text(encoding="utf-8")
    assert f"`{path.name}`" in readme


def test_no_page_that_is_made_is_committed() -> None:
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert {f"/{path.relative_to(ROOT)}" for path in MADE} <= set(ignored)
