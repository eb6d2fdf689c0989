"""The Persian pages have the commands and the configs of the English ones."""

import pytest

from tests.documents.pages import DOCS, blocks

HOW_TOS = (
    *(
        "answer-auditor",
        "ask-elsewhere",
        "exempt",
        "install-package",
        "link-cut",
        "office-hours",
        "pair",
        "switch-vlan",
    ),
    "why-blocked",
)
SAME = {"tutorial": "tutorial/agency", **{name: f"how-to/{name}" for name in HOW_TOS}}


@pytest.mark.parametrize("name", SAME)
def test_the_commands_and_the_configs_are_the_same(name: str) -> None:
    persian, english = DOCS / "fa" / f"{name}.md", DOCS / f"{SAME[name]}.md"
    found = [
        [
            (language, each.text)
            for language in ("", "console", "sh", "toml")
            for each in blocks(language, page)
        ]
        for page in (persian, english)
    ]
    assert found[0] == found[1] != []
