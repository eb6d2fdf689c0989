"""What a client prefers, by its headers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.web.negotiation import preferred

LANGUAGES = ("fa", "en")
TYPES = ("text/html", "application/json")


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
        ("fa;q=0,*", "en"),
        ("en;q=0.5,*;q=0.9", "fa"),
        ("EN", "en"),
        ("enx", "fa"),
        ("en;q=nonsense", "fa"),
        ("en;q=7", "fa"),
        (";;;,,,=,q=1", "fa"),
    ],
)
def test_languages(header: str, language: str) -> None:
    assert preferred(header, LANGUAGES) == language


@pytest.mark.parametrize(
    ("header", "kind"),
    [
        ("*/*", "text/html"),
        ("application/json", "application/json"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", "text/html"),
        ("application/json, text/plain, */*", "application/json"),
        ("application/*", "application/json"),
        ("image/webp,*/*", "text/html"),
        ("application/json;q=0.5, text/html", "text/html"),
    ],
)
def test_kinds_of_content(header: str, kind: str) -> None:
    assert preferred(header, TYPES) == kind


@given(st.text() | st.text("enfa-*/;q=0.1,", max_size=60))
def test_whatever_the_header_says_one_of_the_offers_is_taken(header: str) -> None:
    assert preferred(header, LANGUAGES) in LANGUAGES
