"""The Persian pages have the commands, configs and alerts of the English ones."""

import re
from pathlib import Path

import pytest

from tests.documents.pages import DOCS, blocks

HOW_TOS = (
    *("answer-auditor", "exempt", "install", "link-cut", "office-hours"),
    *("pair", "report", "switch-vlan", "why-blocked"),
)
SAME = {"tutorial": "tutorial/agency", **{name: f"how-to/{name}" for name in HOW_TOS}}


@pytest.mark.parametrize("name", SAME)
def test_the_commands_and_the_configs_are_the_same(name: str) -> None:
    persian, english = DOCS / "fa" / f"{name}.md", DOCS / f"{SAME[name]}.md"
    found = [
        [
            (language, block.text)
            for language in ("", "console", "sh", "toml")
            for block in blocks(language, page)
        ]
        for page in (persian, english)
    ]
    assert found[0] == found[1] != []


def _sections(page: Path) -> dict[str, str]:
    """The text of each alert of a runbook."""
    parts = re.split(r"^## (Darban\w+)\n", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def _code(text: str) -> set[str]:
    return set(re.findall(r"`([^`\n]+)`", text))


ENGLISH, PERSIAN = (_sections(DOCS / folder / "runbook.md") for folder in ("how-to", "fa"))


def test_the_runbooks_have_the_same_alerts() -> None:
    assert list(ENGLISH) == list(PERSIAN) != []


@pytest.mark.parametrize("alert", ENGLISH)
def test_what_to_do_names_the_same_commands_and_keys(alert: str) -> None:
    english = ENGLISH[alert].split("**Do:**")[1].split("**Over when**")[0]
    persian = PERSIAN[alert].split("**چه باید کرد:**")[1]
    assert _code(english) <= _code(persian)
    assert [code for code in _code(persian) if code not in ENGLISH[alert]] == []
