"""Every relative link of a document leads to a file, and to a heading that the file has."""

import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

from tests.laws.source_tree import ROOT

_LISTED = subprocess.run(
    ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"],
    cwd=ROOT,
    capture_output=True,
    text=True,
    check=True,
)
PAGES = sorted(ROOT / name for name in _LISTED.stdout.splitlines())

_FENCED = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)
_TARGET = re.compile(r'\]\(([^)\s]+)\)|(?:src|href)="([^"]+)"')
_ELSEWHERE = ("https:", "http:", "mailto:")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    text = _FENCED.sub("", page.read_text(encoding="utf-8"))
    for target in map("".join, _TARGET.findall(text)):
        file, _, heading = target.partition("#")
        if target.startswith(_ELSEWHERE):
            continue
        found = page.parent / file if file else page
        assert found.exists(), target
        assert not heading or heading in _anchors(found), target


@cache
def _anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as the repository's site and MyST make them."""
    text = _FENCED.sub("", page.read_text(encoding="utf-8"))
    heads = [line.lstrip("#").strip().lower() for line in text.splitlines() if line[:1] == "#"]
    return {re.sub(r"[^\w -]", "", head).replace(" ", "-") for head in heads}
