"""The pages of docs/, and the blocks of code in them."""

import re
import textwrap
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))

_BLOCK = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced block of a page, counted from 1 among those of its language."""

    page: Path
    number: int
    text: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(DOCS)}:{self.number}"


def blocks(language: str, *pages: Path) -> list[Block]:
    """The blocks of a language in these pages, or in all."""
    found = []
    for page in pages or PAGES:
        texts = [
            textwrap.dedent(text)
            for _, name, text in _BLOCK.findall(page.read_text(encoding="utf-8"))
            if name == language
        ]
        found += [Block(page, number, text) for number, text in enumerate(texts, 1)]
    return found
