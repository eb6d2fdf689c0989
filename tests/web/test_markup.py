"""HTML of parts: what strangers wrote stays text."""

from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from resolver.web.markup import fill, join, tag


class Seen(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


HOSTILE = st.text() | st.sampled_from(
    ["<script>alert(1)</script>", '"><b x="', "</p>", "&lt;", "{name}", "<!--", "'", "]]>"]
)
"""Without a carriage return, which a parser of HTML makes a line feed."""


@given(HOSTILE, HOSTILE)
def test_text_and_attributes_come_out_as_they_went_in(text: str, attribute: str) -> None:
    seen = Seen(tag("p", text, class_="c", title=attribute))
    assert seen.tags == [("p", {"class": "c", "title": attribute})]
    assert seen.text == text


@given(HOSTILE)
def test_a_part_of_a_sentence_stays_text(part: str) -> None:
    seen = Seen(fill("<em> {name} & {other}", name=part, other=tag("b", "x")))
    assert seen.tags == [("b", {})]
    assert seen.text == f"<em> {part} & x"


def test_what_is_html_already_is_not_escaped_again() -> None:
    assert tag("p", tag("b", "<"), join(">", tag("br"))) == "<p><b>&lt;</b>&gt;<br></p>"


def test_attributes_that_are_not_given_do_not_stand() -> None:
    made = tag("input", hidden=True, checked=False, title=None, aria_label="a", value=3)
    assert made == '<input hidden aria-label="a" value="3">'
