"""What people type that is no TOML: tomllib's words, with the line and any odd character."""

import codecs

import pytest

from tests.config.files_in_memory import load_text, messages


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("id = ۱۰", "at column 6 (EXTENDED ARABIC-INDIC DIGIT ONE): Invalid value"),
        ("a = “b”", "at column 5 (LEFT DOUBLE QUOTATION MARK): Invalid value"),
        ('a = ["b"، "c"]', "at column 9 (ARABIC COMMA): Unclosed array"),
        ('\u200fa = "b"', "at column 1 (RIGHT-TO-LEFT MARK): Invalid statement"),
        ("a = yes", "at column 5: Invalid value"),
        ("date = 2015-02-30", "at column 8: Invalid date or datetime"),
    ],
)
def test_the_line_and_the_column_are_named(line: str, found: str) -> None:
    text = f"[server]\n# a comment\n{line}\n"
    for content in (text, text.replace("\n", "\r\n")):
        [message] = messages(load_text(content))
        assert message.startswith(f"config.toml:3: found {found}; expected ")


@pytest.mark.parametrize(
    ("line", "advice"),
    [
        ("id = ۱۰", "Write 1 in the place of this character."),
        ("a = “b”", 'Write " in the place of this character.'),
        ('a = "b”', 'Write " in the place of ”.'),
        ("a = ‘b’", 'Write " in the place of this character.'),
        ('a = ["b"، "c"]', "Write , in the place of this character."),
        ('\u200fa = "b"', "Remove this character: it cannot be seen."),
        ('a =\u00a0"b"', "Write a space in the place of this character."),
        ("a = yes", "Write true."),
        ("a = On # comment", "Write true."),
        ("a = [no]", "Write false."),
        ("a = telegram", 'Write a text in quotes: "telegram".'),
        ('a = telegram"', 'Write a text in quotes: "telegram".'),
        ('a = ["b", web.telegram.org]', 'Write a text in quotes: "web.telegram.org".'),
        ('a = "telegram', 'The line has an odd number of ": one is missing.'),
        ('a = ["b, "c"]', 'The line has an odd number of ": one is missing.'),
        ('  "b,', 'The line has an odd number of ": one is missing.'),
    ],
)
def test_the_mend_of_what_people_type_is_told(line: str, advice: str) -> None:
    before = "a = [\n" if line.startswith("  ") else "[server]\n"
    for after in ("", "\n", '\r\nb = "c"\n'):
        [message] = messages(load_text(f"{before}{line}{after}"))
        assert message.startswith("config.toml:2: found at ")
        assert message.endswith(f". {advice}")


def test_no_mend_is_told_where_none_is_known() -> None:
    for line in ("date = 2015-02-30", "a = ", "a = [1 2]"):
        [message] = messages(load_text(f"{line}\n"))
        assert message.count(". ") == 0


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (
            "[[expect",
            'column 9: the end of the line; expected "]]" after the name, as in [[expect]]',
        ),
        ("[[expect]", 'column 9: ]; expected "]]" after the name, as in [[expect]]'),
        ("[server", 'column 8: the end of the line; expected "]" after the name, as in [server]'),
        ("id", 'column 3: the end of the line; expected "=" and a value after the key'),
        ("id: 10", 'column 3: :; expected "=" and a value after the key'),
        (
            "a = 10.0.0.1",
            "column 9: .; expected one value on a line, a text in quotes, several in [ ]",
        ),
    ],
)
def test_what_was_expected_is_told(line: str, told: str) -> None:
    for after in ("\n", "\r\nb = 1\n"):
        [message] = messages(load_text(f"# a comment\n{line}{after}"))
        assert message == f"config.toml:2: found at {told}"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("[[expect", '"]]" after the name, as in [[expect]]'),
        ("a = 'b", "' after the text, as before it"),
    ],
)
def test_what_was_expected_at_the_end_of_the_file(line: str, expected: str) -> None:
    [message] = messages(load_text(f"# a comment\n{line}"))
    assert message == f"config.toml:2: found the end of the file; expected {expected}"


@pytest.mark.parametrize("text", ['a = """b', "a = [1, 2"])
def test_what_is_not_closed_is_told_at_the_end(text: str) -> None:
    [message] = messages(load_text(f"# a comment\n{text}"))
    assert message.startswith("config.toml:2: found at the end of the file: ")


def test_a_byte_order_mark_is_named() -> None:
    [message] = messages(load_text('\ufeffa = "b"\n'))
    assert message.startswith("config.toml:1: found at column 1 (ZERO WIDTH NO-BREAK SPACE): ")
    assert message.endswith(". Save the file as UTF-8 without a byte order mark (BOM).")


@pytest.mark.parametrize(
    ("octets", "found"),
    [
        ('a = 1\nb = "بخشنامه"\n'.encode("cp1256"), "config.toml:2: found the byte 0xC8"),
        (codecs.BOM_UTF16_LE + "a = 1".encode("utf-16-le"), "config.toml:1: found the byte 0xFF"),
    ],
)
def test_another_encoding_is_named(octets: bytes, found: str) -> None:
    [message] = messages(load_text(octets))
    expected = "a text in UTF-8. Save the file as UTF-8 without a byte order mark (BOM)."
    assert message == f"{found}, which is not UTF-8; expected {expected}"


@pytest.mark.parametrize(
    ("text", "line", "name", "first"),
    [
        ("[a]\nx = 1\n[a]\n", 3, "a", 1),
        ("[a]\nx = 1\n# x = 2\nx = [\n1,\n]\n", 6, "a.x", 2),
        ("[vlans.a]\r\nid = 1\r\n[vlans.b]\r\nid = 1\r\nid = 2\r\n", 5, "vlans.b.id", 4),
        ("[[a]]\nx = 1\n[[a]]\nx = 2\nx = 3\n", 5, "a[1].x", 4),
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


def test_a_table_in_the_place_of_an_element_is_told_how_elements_begin() -> None:
    [message] = messages(load_text("[[expect]]\n[expect]\n"))
    also = "It is also at config.toml:1."
    assert message == f"config.toml:2: found a second expect; expected [[expect]]. {also}"
