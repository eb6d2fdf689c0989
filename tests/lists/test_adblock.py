"""Reading a whole list in adblock syntax."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.lists.adblock import AdblockReader
from resolver.lists.rules import BlockList, SkippedLine


def _read(*lines: str) -> BlockList:
    return AdblockReader.read("\n".join(lines), "telegram", "telegram.txt")


KEPT = {
    "||telegram.org^": "||telegram.org^",
    "|dns.google^": "|dns.google^",
    "@@||x.org^": "@@||x.org^",
    "@@|x.org^": "@@|x.org^",
    "  ||x.org^\t": "||x.org^",
    "||x.org^\r": "||x.org^",
    "||x.org^ # a comment": "||x.org^",
    "||x.org^  # a comment": "||x.org^",
    "||x.org^\t# a comment": "||x.org^",
    "||пример.рф^": "||xn--e1afmkfd.xn--p1ai^",
    "@@||gov.ir^": "@@||gov.ir^",
}

COMMENTS = [
    "",
    "   ",
    "! a comment",
    "!",
    "# a comment",
    "#||x.org^",
    "## heading ##",
    "[Adblock Plus 2.0]",
    "! Homepage: https://example.com",
    "! title without a colon",
]

SKIPPED = {
    "||x.org^$important": "modifiers",
    "||x.org^$important,badfilter": "modifiers",
    "x.org$badfilter": "no '||' or '|'",
    "||x.org": "'^' is missing",
    "||slack-files.com ^": "a space",
    "||*.x.org^": "a wildcard",
    "*.x.org": "a wildcard",
    "||x.org^#not-a-comment": "text after '^'",
    "/^x\\.org$/": "a regular expression",
    "@@/x/": "a regular expression",
    "example.com##.banner": "a cosmetic rule",
    "example.com#@#.banner": "a cosmetic rule",
    "example.com#?#div > .banner": "a cosmetic rule",
    "0.0.0.0 x.org": "a line of a hosts file",
    "::1 localhost": "a line of a hosts file",
    "192.0.2.1": "an IP address",
    "2001:db8::1": "an IP address",
    "||192.0.2.1^": "an IP address",
    "x.org": "no '||' or '|'",
    "@@x.org^": "no '||' or '|'",
    "local-zone: x.org refuse": "no '||' or '|'",
    "||skype^": "a single label",
    "||.^": "the root",
    "||^": "the name is empty",
    "||co.uk^": "a public suffix",
    "||a..org^": "an empty label",
    f"||{'a' * 64}.org^": "63 at most",
    f"||{'a.' * 150}org^": "longer than 255",
    "! Title:": "the title is empty",
    "! Category: Messenger": "lower-case letters",
    "! Category: chat apps": "lower-case letters",
    "! Reviewed: yesterday": "not a date",
    "! Reviewed: 1405-09-03": "solar Hijri calendar; write 2026-11-24",
    "! Reviewed: 2026-02-30": "not a date",
    "! Reviewed: 20261124": "not a date",
    "! Reviewed: 2026-W48-2": "not a date",
    "! Reviewed: ٢٠٢٦-١١-٢٤": "not a date",
    "! Answer: refused": "nxdomain",
}


@pytest.mark.parametrize("line", KEPT)
def test_a_rule_is_kept(line: str) -> None:
    read = _read(line)
    assert [rule.text for rule in read.rules] == [KEPT[line]]
    assert read.skipped == ()


@pytest.mark.parametrize("line", COMMENTS)
def test_a_comment_says_nothing(line: str) -> None:
    read = _read(line)
    assert (read.rules, read.skipped) == ((), ())


@pytest.mark.parametrize("line", SKIPPED)
def test_anything_else_is_skipped_with_the_reason(line: str) -> None:
    read = _read("! a comment", line)
    assert read.rules == ()
    assert [(skip.line, skip.reason) for skip in read.skipped] == [(2, read.skipped[0].reason)]
    assert SKIPPED[line] in read.skipped[0].reason


def test_headers_describe_the_list() -> None:
    read = _read(
        "! Title: Telegram: the messenger # one",
        "! Title-fa: تلگرام",
        "! Category: messenger",
        "! Source: vendor documentation",
        "! source:client code",
        "! Reviewed: 2026-11-24",
        "! Answer: NXDOMAIN",
        "||telegram.org^",
    )
    assert (read.service, read.file) == ("telegram", "telegram.txt")
    assert read.title == "Telegram: the messenger # one"
    assert read.persian == "تلگرام"
    assert read.category == "messenger"
    assert read.source == "vendor documentation; client code"
    assert read.reviewed == dt.date(2026, 11, 24)
    assert read.answer == "nxdomain"
    assert read.skipped == ()


def test_a_list_without_headers_has_empty_ones() -> None:
    read = _read("||telegram.org^")
    assert (read.title, read.persian, read.category, read.source, read.reviewed, read.answer) == (
        *("", "", "", ""),
        None,
        "",
    )


def test_the_first_of_two_headers_counts() -> None:
    read = _read("! Title: Telegram", "! Title: WhatsApp")
    assert read.title == "Telegram"
    assert [(skip.line, skip.text) for skip in read.skipped] == [(2, "! Title: WhatsApp")]


def test_a_byte_order_mark_and_crlf_are_no_part_of_a_line() -> None:
    read = AdblockReader.read("\ufeff! Title: Telegram\r\n||t.me^\r\n", "telegram", "telegram.txt")
    assert read.title == "Telegram"
    assert [(rule.text, rule.line) for rule in read.rules] == [("||t.me^", 2)]
    assert read.skipped == ()


def test_only_a_line_feed_ends_a_line() -> None:
    # an editor counts lines so; str.splitlines would not
    read = _read("! a\x0bb\x85c\u2028d", "||t.me^")
    assert [rule.line for rule in read.rules] == [2]


def test_a_rule_given_twice_is_kept_once() -> None:
    read = _read("||t.me^", "|t.me^", "||T.ME.^", "@@||t.me^")
    assert [rule.text for rule in read.rules] == ["||t.me^", "|t.me^", "@@||t.me^"]
    assert read.skipped == (SkippedLine(3, "||T.ME.^", "the rule of line 1 again"),)


def test_a_rule_is_cancelled_by_badfilter_wherever_it_is() -> None:
    read = _read(
        "||a.org^$badfilter", "||a.org^", "||x.a.org^", "|b.org^", "||b.org^", "@@||y.b.org^",
        "|b.org^$badfilter", "@@||y.b.org^$badfilter # why", "||c.org^$badfilter",
    )  # fmt: skip
    assert [rule.text for rule in read.rules] == ["||x.a.org^", "||b.org^"]
    assert read.skipped == (SkippedLine(9, "||c.org^$badfilter", "the list has no such rule"),)


def test_a_skipped_line_is_shown_as_found_and_shortened() -> None:
    short, long = _read("x.org # why", "y" * 500).skipped
    assert short.text == "x.org # why"
    assert len(long.text) == 120
    assert long.text.startswith("yyy")


@pytest.mark.parametrize(
    "part", [" ", "#", "|", "^", "@@", "a.", "!", "! Title:", "\u00ad", "é", "1."]
)
def test_a_very_long_line_is_read_in_linear_time(part: str) -> None:
    _read(part * 300_000, "||" + part * 300_000 + "^", "||x.org^" + part * 300_000)


MARKS = ("||", "|", "@@", "^", "$", "##", " # ", "! ", ":", "*", "/", ".", " ")
WORDS = (
    "Title:",
    "Reviewed:",
    "Answer:",
    "Category:",
    "ſource:",
    "example.com",
    "com",
    "192.0.2.1",
)
ENDS = ("\n", "\r\n", "\ufeff")
PIECES = st.sampled_from(MARKS + WORDS + ENDS)
TEXTS = st.one_of(
    st.text(st.characters()),  # surrogates too: a file may be read with any error handler
    st.lists(st.one_of(PIECES, st.text(st.characters(), max_size=5))).map("".join),
)


@given(TEXTS)
def test_reading_never_raises_and_accounts_for_every_line(text: str) -> None:
    read = AdblockReader.read(text, "service", "file")
    lines = text.count("\n") + 1
    used = [*(rule.line for rule in read.rules), *(line.line for line in read.skipped)]
    assert len(used) == len(set(used))
    assert all(1 <= line <= lines for line in used)
    assert all(skip.reason and len(skip.text) <= 120 for skip in read.skipped)
