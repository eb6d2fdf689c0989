"""Every relative link of a document leads to a file, and to a heading that the file has."""

import subprocess
from pathlib import Path

import pytest

from tests.laws.links import broken_links
from tests.laws.source_tree import ROOT

_LISTED = subprocess.run(
    ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"],
    cwd=ROOT,
    capture_output=True,
    text=True,
    check=True,
)
PAGES = sorted(path for name in _LISTED.stdout.splitlines() if (path := ROOT / name).exists())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    assert broken_links(page, page.read_text(encoding="utf-8")) == []
