"""Which language a client prefers, by its header."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.web.pages import preferred

LANGUAGES = ("fa", "en")


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "fa"),
        ("fa", "fa"),
        ("en", "en"),
        ("en-GB,en;q=0.9", "en"),
        ("en-US,en;q=0.9,fa;q=0.8", "en"),
        ("fa-IR,fa;q=0.9,en-US;q=0.8,en;q=0.7", "fa"),
        ("de,en;q=0.3", "en"),
        ("de", "fa"),
        ("*", "fa"),
        ("en;q=0", "fa"),
        ("EN", "en"),
        ("enx", "fa"),
        ("en;q=nonsense", "fa"),
        ("en;q=7", "fa"),
        (";;;,,,=,q=1", "fa"),
    ],
)
def test_languages(header: str, language: str) -> None:
    assert preferred(header, LANGUAGES) == language


@given(st.text() | st.text("enfa-*/;q=0.1,", max_size=60))
def test_whatever_the_header_says_one_of_the_offers_is_taken(header: str) -> None:
    assert preferred(header, LANGUAGES) in LANGUAGES
