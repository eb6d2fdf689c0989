"""Sphinx's config of the site: `make docs`.

The pages are the Markdown files of the repository as they are. What they have for readers of the
repository alone is changed as it is read: links to folders, and pictures with a width. The page of
config.toml has the reference file itself, by its sections. The contents of the reference link the
pages that `make reference` makes.
"""

import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]

project = "Darban"
extensions = ["myst_parser"]
myst_enable_extensions = ["attrs_inline"]
myst_heading_anchors = 4
root_doc = "docs/README"
include_patterns = [
    *("README.md", "ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"),
    *("docs/**.md", "blocklists/README.md", "tests/scenarios/README.md"),
]
suppress_warnings = [
    "misc.highlighting_failure",  # languages that Pygments does not know are shown as text
    "toc.not_included",  # the pages of contents lead to all of them
]
html_theme = "basic"
templates_path = ["."]
html_static_path = ["site.css"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_use_index = False
pygments_style = "bw"
highlight_language = "text"
linkcheck_ignore = ["https?://"]  # these are others'; the links within are all checked

CONFIG = "docs/reference/config"
REFERENCE = "docs/reference/README"

_LINK = re.compile(r"\[([^\]\[]+)\]\(([^)\s#:]+)\)")
_PICTURE = re.compile(r'<img src="([^"]+)" width="(\d+)" alt="([^"]+)">')


def _contents(name: str) -> list[tuple[str, list[tuple[str, str]]]]:
    """The sections of a page of contents, each with its links: a title and a page."""
    page = ROOT / "docs" / name
    sections = re.split(r"^## (.+)\n", page.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    found = []
    for heading, text in zip(sections[::2], sections[1::2], strict=True):
        links = [
            (title, str((page.parent / target).resolve().relative_to(ROOT))[:-3])
            for title, target in _LINK.findall(text)
            if target.endswith(".md")
        ]
        found.append((heading, links))
    return found


html_context = {"contents": {"en": _contents("README.md"), "fa": _contents("fa/README.md")}}


def _keys() -> str:
    """Every key of config.toml: the sections of the reference file, each with its first table."""
    text = (ROOT / "deploy" / "reference.toml").read_text(encoding="utf-8").strip()
    parts = []
    for section in re.split(r"\n{3,}", text.split("\n\n", 1)[1]):
        tables = re.findall(r"^\[+([\w.-]+)\]+", section, re.MULTILINE)
        parts.append(f"\n## {tables[0] if tables else 'Files'}\n\n```toml\n{section}\n```\n")
    return "".join(parts)


def _read(app: Any, name: str, source: list[str]) -> None:  # noqa: ANN401, ARG001 - Sphinx's
    folder = (ROOT / name).parent

    def without_folders(link: re.Match[str]) -> str:
        return link[1] if (folder / link[2]).is_dir() else link[0]

    text = _PICTURE.sub(r"![\3](\1){width=\2px}", source[0])
    if name == REFERENCE:
        text = re.sub(r"`(\w+\.md)`", r"[\1](\1)", text)
    source[0] = _LINK.sub(without_folders, text) + (_keys() if name == CONFIG else "")


def setup(app: Any) -> None:  # noqa: ANN401 - Sphinx's
    """Change each page as it is read."""
    app.connect("source-read", _read)
