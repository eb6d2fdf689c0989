"""What one text gives as a rule, or the reason why it gives none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.dns import names
from resolver.lists.rules import Rule, read_rule

LINE = 7

RULES = {
    "||telegram.org^": ("telegram.org", "subtree", "block"),
    "|dns.google^": ("dns.google", "alone", "block"),
    "@@||x.org^": ("x.org", "subtree", "exception"),
    "@@|x.org^": ("x.org", "alone", "exception"),
    "example.com": ("example.com", "subtree", "block"),
    "example.com.": ("example.com", "subtree", "block"),
    "||Telegram.ORG^": ("telegram.org", "subtree", "block"),
    "||telegram.org^|": ("telegram.org", "subtree", "block"),
    "@@||x.org^|": ("x.org", "subtree", "exception"),
    "||telegram.org.^": ("telegram.org", "subtree", "block"),
    "||_dns.resolver.arpa^": ("_dns.resolver.arpa", "subtree", "block"),
    "||xn--e1afmkfd.xn--p1ai^": ("xn--e1afmkfd.xn--p1ai", "subtree", "block"),
    "||пример.рф^": ("xn--e1afmkfd.xn--p1ai", "subtree", "block"),
    "||پیام.ایران^": ("xn--mgb4dri0l.xn--mgba3a4f16a", "subtree", "block"),
    "||1.example^": ("1.example", "subtree", "block"),
    "||com^": ("com", "subtree", "block"),  # wide, but a rule: the guard is another matter
    "||.^": (".", "subtree", "block"),
}

REASONS = {
    "": "the name is empty",
    "||^": "the name is empty",
    "|": "the name is empty",
    "@@": "'@@' needs",
    "@@x.org^": "'@@' needs",
    "||x.org": "'^' is missing",
    "@@||x.org": "'^' is missing",
    "|||x.org^": "too many '|'",
    "||x.org^||": "text after '^'",
    "||x.org^^": "text after '^'",
    "||x.org^/path": "text after '^'",
    "||x.org^$third-party": "modifiers",
    "||x.org$important": "modifiers",
    "||qq.com^$denyallow=wx.qq.com|weixin.qq.com": "modifiers",
    "||slack-files.com ^": "a space",
    "x.org y.org": "a space",
    "||*.x.org^": "a wildcard",
    "||x*.org^": "a wildcard",
    "*.example.com": "a wildcard",
    "||x.org/path^": "a path",
    "https://x.org": "a URL",
    "||x.org:443^": "a port",
    "||2001:db8::1^": "a port or an IPv6",
    "||192.0.2.1^": "an IP address",
    "192.0.2.1": "an IP address",
    "||192.0.2.^": "an IP address",
    "||x..org^": "an empty label",
    "||.x.org^": "an empty label",
    f"||{'a' * 64}.org^": "64 octets; 63 at most",
    f"||{'.'.join(['a' * 60] * 4)}.organisation^": "longer than 255 octets",
    f"||{'.'.join(['a' * 62] * 4)}.ab^": "255 at most",
    r"||a\.b.org^": "cannot be in a host name",
    "||x\x00.org^": "cannot be in a host name",
    "||１.１.１.１^": "an IP address",
    "||\ud800.org^": "internationalised",
    "||٪.com^": "internationalised",
}


@pytest.mark.parametrize("text", RULES)
def test_a_rule_is_read(text: str) -> None:
    name, extent, effect = RULES[text]
    expected = Rule(names.parse(name), extent == "subtree", effect == "exception", LINE)
    assert read_rule(text, LINE) == expected


@pytest.mark.parametrize("text", REASONS)
def test_what_is_no_rule_gives_the_reason(text: str) -> None:
    reason = read_rule(text, LINE)
    assert isinstance(reason, str)
    assert REASONS[text] in reason


@pytest.mark.parametrize("text", ["||telegram.org^", "|dns.google^", "@@||x.org^", "@@|x.org^"])
def test_a_rule_prints_as_it_was_written(text: str) -> None:
    rule = read_rule(text, LINE)
    assert isinstance(rule, Rule)
    assert rule.text == text


LABELS = st.text("abcdefghijklmnopqrstuvwxyz0123456789-_", min_size=1, max_size=63)
NAMES = st.lists(LABELS, min_size=1, max_size=3).map(".".join)


@given(NAMES, st.booleans(), st.booleans())
def test_the_text_of_a_rule_reads_as_the_rule(name: str, subtree: bool, exception: bool) -> None:
    rule = Rule(names.parse(name + ".example"), subtree, exception, LINE)
    assert read_rule(rule.text, LINE) == rule


@given(st.text(st.characters(), max_size=300))
def test_reading_never_raises_and_names_are_plain(text: str) -> None:
    for written in (text, f"||{text}^"):
        rule = read_rule(written, LINE)
        if isinstance(rule, Rule):
            plain = names.text(rule.name)
            assert all(char.isalnum() or char in "-_." for char in plain)
            assert plain.isascii()
            assert names.parse(plain) == rule.name
