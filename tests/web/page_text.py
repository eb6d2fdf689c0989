"""A page as a parser reads it, and values that would be markup if they were not escaped."""

from html.parser import HTMLParser

from hypothesis import strategies as st

HOSTILE = st.text(min_size=1) | st.sampled_from(
    ["<script>alert(1)</script>", '"><b x="', "</p>", "&lt;", "{name}", "<!--", "'", "]]>", "{{x}}"]
)


class Parsed(HTMLParser):
    """The tags of a page, each with the names of its attributes, and the text between them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, ...]] = []
        self.attributes: list[str | None] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, *(name for name, _ in attrs)))
        self.attributes += [value for _, value in attrs]

    def handle_data(self, data: str) -> None:
        self.text += data
