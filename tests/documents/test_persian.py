"""The Persian pages have the commands and the configs of the English ones."""

import pytest

from tests.documents.pages import DOCS, blocks

SAME = {"tutorial": "tutorial/agency", "exempt": "how-to/exempt", "block-page": "how-to/block-page"}


@pytest.mark.parametrize("name", SAME)
@pytest.mark.parametrize("language", ["console", "sh"])
def test_the_commands_are_the_same(name: str, language: str) -> None:
    persian, english = DOCS / "fa" / f"{name}.md", DOCS / f"{SAME[name]}.md"
    assert [each.text for each in blocks(language, persian)] == [
        each.text for each in blocks(language, english)
    ]
