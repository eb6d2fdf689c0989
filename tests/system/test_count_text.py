"""Numbers of things in English texts."""

import pytest

from resolver.system.count_text import count_text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (count_text(0, "name"), "0 names"),
        (count_text(1, "name"), "1 name"),
        (count_text(2_000, "name"), "2,000 names"),
        (count_text(1, "query", "queries"), "1 query"),
        (count_text(2, "query", "queries"), "2 queries"),
    ],
)
def test_one_thing_is_in_the_singular(text: str, expected: str) -> None:
    assert text == expected
