"""What people type that is no TOML: each is explained in words, with the line to write."""

import codecs

import pytest

from tests.config.files_in_memory import load_text, messages

VALUE = "KEY = VALUE; a value is a text in quotes, a number, true or false, or a date"
DATE = "a date and a time that exist, such as 2015-02-18 or 2027-03-20T23:59:59+03:30"
QUOTE = "a quote that is not closed; expected a text between two quotes"
TABLE = "expected a header such as [vlans.finance]: Latin letters, digits, hyphens and dots"
DIGITS = "expected the digits 0 to 9"


@pytest.mark.parametrize(
    ("line", "explained", "instead"),
    [
        ("id = ۱۰", f"the Persian or Arabic digit ۱; {DIGITS}", "id = 10"),
        ("id = 1٠", f"the Persian or Arabic digit ٠; {DIGITS}", "id = 10"),
        ("date = ۱۳۹۳-۱۱-۲۹", f"the Persian or Arabic digit ۱; {DIGITS}", "date = 1393-11-29"),
        ("a = “b”", "the character “; expected a straight quote", 'a = "b"'),
        ("a = «ب ۱»", "the character «; expected a straight quote", 'a = "ب ۱"'),
        ("a = ‘b’", "the character ‘; expected a straight quote", "a = 'b'"),
        ('a = "b”', "the character ”; expected a straight quote", 'a = "b"'),
        ("a = 'b\nc = 1", QUOTE, 'a = "b"'),
        ('a = ["b"، "c"]', 'the character ،; expected ","', 'a = ["b", "c"]'),
        ("date = 2015–02–18", 'the character –; expected "-"', "date = 2015-02-18"),
        (
            'a =\u00a0"b"',
            "a character that cannot be seen, NO-BREAK SPACE; expected a space",
            'a = "b"',
        ),
        (
            '\u200fa = "b"',
            "a character that cannot be seen, RIGHT-TO-LEFT MARK; expected none",
            'a = "b"',
        ),
        ("a = yes", f"a = yes; expected {VALUE}", "a = true"),
        ("a = Off # never", f"a = Off # never; expected {VALUE}", "a = false"),
        ("a = b c", f"a = b c; expected {VALUE}", 'a = "b c"'),
        ('a: "b"', f'a: "b"; expected {VALUE}', 'a = "b"'),
        ('a = "b";', f'a = "b";; expected {VALUE}', 'a = "b"'),
        ("id = 010", f"id = 010; expected {VALUE}", "id = 10"),
        ("date = 1393/11/29", f"date = 1393/11/29; expected {VALUE}", "date = 2015-02-18"),
        ("date = 1393-02-31", f"date = 1393-02-31; expected {VALUE}", "date = 2014-05-21"),
        (
            "until = 2027-03-20 18:00",
            f"until = 2027-03-20 18:00; expected {VALUE}",
            "until = 2027-03-20T18:00:00+03:30",
        ),
        ("date = 2015-02-30", f"date = 2015-02-30; expected {DATE}", None),
        (
            "until = 2027-02-29T18:00:00+03:30 # or so",
            f"until = 2027-02-29T18:00:00+03:30 # or so; expected {DATE}",
            None,
        ),
        ("[vlans.Finance Dept]", f"[vlans.Finance Dept]; {TABLE}", "[vlans.Finance-Dept]"),
        ("[vlans.امور-مالی]", f"[vlans.امور-مالی]; {TABLE}", None),
        ('a = "b', QUOTE, 'a = "b"'),
        ('a = "b  # or "c"', QUOTE, 'a = "b"'),
        ('a = b"', QUOTE, 'a = "b"'),
        ("a = 'b", QUOTE, 'a = "b"'),
        ('a = ["b, "c"]', QUOTE, None),
        (
            'a = ["b" "c"]',
            'a = ["b" "c"]; expected a comma between two texts',
            'a = ["b", "c"]',
        ),
    ],
)
def test_a_line_is_explained_and_corrected(line: str, explained: str, instead: str | None) -> None:
    advice = f". Write: {instead}" if instead else ""
    text = f"[server]\n# a comment\n{line}\n"
    for content in (text, text.replace("\n", "\r\n")):
        [message] = messages(load_text(content))
        assert message == f"config.toml:3: found {explained}{advice}"


def test_an_element_on_a_line_of_its_own_is_corrected() -> None:
    [message] = messages(load_text('a = [\n  "b",\n  “c”,\n]\n'))
    assert message.startswith("config.toml:3: found the character “; expected a straight quote.")
    assert message.endswith('Write: "c",')


@pytest.mark.parametrize(
    "line", ["a = 1\na = 2", "= 1", "[a", "a = [1, 2", 'a = """b', "a = {b = 1"]
)
def test_what_is_not_understood_is_not_corrected(line: str) -> None:
    [message] = messages(load_text(line))
    assert "Write" not in message


def test_a_long_line_takes_no_time() -> None:
    for line in ('a = "' + "“" * 100_000, "a = " + " \t" * 100_000 + "b", "a = " + "['" * 100_000):
        assert messages(load_text(line))


def test_a_byte_order_mark_is_named() -> None:
    assert messages(load_text('\ufeffa = "b"\n')) == [
        "config.toml:1: found a byte order mark (BOM) before the first character;"
        " expected a text in UTF-8 without it. Save the file as UTF-8 without BOM."
    ]


@pytest.mark.parametrize(
    ("octets", "found", "encoding"),
    [
        ('a = 1\nb = "بخشنامه"\n'.encode("cp1256"), "config.toml:2: found the byte 0xC8", "CP1256"),
        (
            codecs.BOM_UTF16_LE + "a = 1".encode("utf-16-le"),
            "config.toml:1: found the byte 0xFF",
            "UTF-16",
        ),
        (b'a = 1\nb = "caf\xe9"\n', "config.toml:2: found the byte 0xE9", None),
        (b"a = 1\n\n\x81\xc8", "config.toml:3: found the byte 0x81", "CP1256"),
    ],
)
def test_another_encoding_is_named(octets: bytes, found: str, encoding: str | None) -> None:
    [message] = messages(load_text(octets))
    assert message.startswith(f"{found}, which is not UTF-8; expected a text in UTF-8")
    assert ("It looks like" in message) == (encoding is not None)
    assert f"iconv -f {encoding} -t UTF-8 config.toml" in message or encoding is None


@pytest.mark.parametrize(
    ("text", "line", "name", "first"),
    [
        ("[a]\nx = 1\n[a]\n", 3, "a", 1),
        ("[a]\nx = 1\n# x = 2\nx = [\n1,\n]\n", 6, "a.x", 2),
        ("[vlans.a]\r\nid = 1\r\n[vlans.b]\r\nid = 1\r\nid = 2\r\n", 5, "vlans.b.id", 4),
        ("[[a]]\nx = 1\n[[a]]\nx = 2\nx = 3\n", 5, "a[1].x", 4),
        ("[[a]]\n[a]\n", 2, "a", 1),
        ("[a]\n[[a]]\n", 2, "a", 1),
        ("a = [1]\n[[a]]\n", 2, "a", 1),
        ("a.b = 1\na = 2", 2, "a", 1),
        ("[a]\nb = {}\n[a.b.c]\n", 3, "a.b", 2),
        ('"a b" = 1\n"a b" = 2', 2, '"a b"', 1),
        ("x = '''\n[a]\n'''\n[a]\n[a]", 5, "a", 4),
    ],
)
def test_a_second_definition_is_told_with_the_first(
    text: str, line: int, name: str, first: int
) -> None:
    expected = "expected each table and each key once"
    also = f"It is also at config.toml:{first}."
    assert messages(load_text(text)) == [
        f"config.toml:{line}: found a second {name}; {expected}. {also}"
    ]
