"""Names as people type and paste them."""

import re

import pytest

from resolver.dns import names
from resolver.dns.typed_name import name_within, typed_name


@pytest.mark.parametrize(
    "text",
    [
        *("web.telegram.org", "https://web.telegram.org", "https://web.telegram.org/k/#@durov"),
        *(
            "HTTPS://user:secret@web.telegram.org:8443/k?next=https://agency.example/",
            " \tweb.telegram.org ",
        ),
        *("web.telegram.org:443", "web.telegram.org/k/", "web.telegram.org?a", "web.telegram.org:"),
        *("<https://web.telegram.org/k/>", '"web.telegram.org"', "«web.telegram.org»"),
        *("web[.]telegram[.]org", "hxxps://web.telegram[.]org/k", "(web.telegram.org),"),
        *("||web.telegram.org^", "@@|web.telegram.org^", "web.telegram.org،"),
        *("someone@web.telegram.org", "mailto:someone@web.telegram.org", "//web.telegram.org/k"),
    ],
)
def test_the_host_is_taken(text: str) -> None:
    assert names.text(names.parse(typed_name(text))) == "web.telegram.org"


@pytest.mark.parametrize(
    "text",
    [
        *("t.me", "t.me.", "xn--mgba3a4f16a.example", "نام.example", "_dns.resolver.arpa", "."),
        *("1.0/25.2.0.192.in-addr.arpa", "1.0/25.2.0.192.IN-ADDR.arpa.", r"a\@b.example"),
    ],
)
def test_a_name_stays_as_it_is(text: str) -> None:
    assert typed_name(text) == text


@pytest.mark.parametrize("text", ["https://192.0.2.1/k", "192.0.2.1:53", "[fd00::1]:53", "fd00::1"])
def test_an_address_is_no_name(text: str) -> None:
    with pytest.raises(names.InvalidName, match="is an address"):
        typed_name(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tg://resolve?domain=durov", "opens an app; it has no host"),
        ("telegram .org", "has the character ' ', which no host name has"),
        ("telegram.org and t.me", "has the character ' '"),
        ("t.me,telegram.org", "has the character ','"),
    ],
)
def test_what_is_no_host_is_not_said_to_pass(text: str, said: str) -> None:
    with pytest.raises(names.InvalidName, match=re.escape(said)):
        typed_name(text)


@pytest.mark.parametrize("text", ["https:///k", "someone@", "https://a..b/"])
def test_what_has_no_host_is_no_name(text: str) -> None:
    with pytest.raises(names.InvalidName):
        names.parse(typed_name(text))


@pytest.mark.parametrize(
    ("text", "name"),
    [
        *(("https://a.example/b", "a.example"), ("a.example:443", "a.example")),
        *(("a.example", ""), ("tls://192.0.2.1", ""), ("a b", ""), ("*.a.example", ""), ("", "")),
    ],
)
def test_the_name_within_a_url(text: str, name: str) -> None:
    assert name_within(text) == name
