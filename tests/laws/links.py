"""The relative links of a document, and the headings that they may lead to."""

import re
from functools import cache
from pathlib import Path

_FENCED = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)
_TARGET = re.compile(r'\]\(([^)\s]+)\)|(?:src|href)="([^"]+)"')
_ELSEWHERE = ("https:", "http:", "mailto:")


def broken_links(page: Path, text: str) -> list[str]:
    """The targets of links in the text of a page that lead nowhere."""
    targets = map("".join, _TARGET.findall(_FENCED.sub("", text)))
    return [
        target
        for target in targets
        if not target.startswith(_ELSEWHERE) and not _leads_somewhere(page, target)
    ]


def _leads_somewhere(page: Path, target: str) -> bool:
    file, _, heading = target.partition("#")
    found = page.parent / file if file else page
    return found.exists() and (not heading or heading in _anchors(found))


@cache
def _anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as the repository's site and MyST make them."""
    text = _FENCED.sub("", page.read_text(encoding="utf-8"))
    heads = [line.lstrip("#").strip().lower() for line in text.splitlines() if line[:1] == "#"]
    return {re.sub(r"[^\w -]", "", head).replace(" ", "-") for head in heads}
