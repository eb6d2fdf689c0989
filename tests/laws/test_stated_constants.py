"""A text for people that states a constant of the program says what the program does."""

from pathlib import Path

import pytest

from resolver.engine.blocked import TTL

ROOT = Path(__file__).parents[2]
_MESSAGES = "resolver/web/messages"
WORDS = {60: {"en": "a minute", "fa": "یک دقیقه", "figure": "60 s"}}
"""How texts say a number of seconds: where a constant changes, these texts change with it."""
TTL_IS_STATED = (
    ("docs/how-to/exempt.md", "The client may keep the blocked answer for {en}."),
    ("docs/how-to/block-page.md", "an old answer led here ({en} at most)"),
    ("docs/explanation/limits.md", "A blocked answer lives for {en} in a client"),
    ("docs/explanation/other-resolvers.md", "The exported config bounds TTLs to {figure}."),
    ("docs/explanation/other-resolvers.md", "until its TTL ends, {figure} at most."),
    ("docs/explanation/other-resolvers.md", "TTLs are {figure}."),
    ("docs/fa/exempt.md", "رایانهٔ کاربر ممکن است پاسخ مسدود را تا {fa} نگه دارد."),
    (f"{_MESSAGES}/en.toml", "Once the exemption is entered, it takes effect within {en}."),
    (f"{_MESSAGES}/en.toml", "Please try {name} again in {en}."),
    (f"{_MESSAGES}/fa.toml", "دسترسی حداکثر {fa} پس از ثبت معافیت برقرار می‌شود"),
)


@pytest.mark.parametrize(("file", "sentence"), TTL_IS_STATED)
def test_a_text_states_the_ttl_of_a_blocked_answer(file: str, sentence: str) -> None:
    said = sentence.format(**WORDS[TTL], name="{name}")
    assert said in (ROOT / file).read_text(encoding="utf-8")
